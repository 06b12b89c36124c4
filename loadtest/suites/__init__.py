"""All suites of this folder by one command: `loadtest suites`. Each suite is a configuration file of Locust."""
