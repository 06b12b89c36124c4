"""All suites of this folder by one command: `python -m suites`. Each suite is a configuration file of Locust."""
