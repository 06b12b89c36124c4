"""What is shown: run records into tables, pictures and pages. Reads the record's files and nothing else."""
