"""The reference backend: the measured contract, in both profiles, on a real PostgreSQL.

It imports the backend's contract and nothing else of the load test.
"""
