"""The test of the meter: a backend that does known wrong to known deliveries, and what a run says of it."""
