"""What the users do: Locust TaskSets, and the schedules of the publishers."""
