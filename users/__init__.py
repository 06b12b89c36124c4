"""Who connects: the Locust User classes."""
