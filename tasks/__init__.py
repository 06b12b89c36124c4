"""What the users do: Locust TaskSets, and the schedules of the publishers."""

from loadtest.import_names import refuse_another

refuse_another(__name__)
