"""What is shown while a run goes on: on Locust's web page, and to Prometheus."""
