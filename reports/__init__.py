"""What is shown: run records into tables, pictures and pages. Reads the record's files and nothing else."""

from loadtest.import_names import refuse_another

refuse_another(__name__)
