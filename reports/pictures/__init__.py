"""A run's pictures: each with a sentence that says what it shows, and the numbers that were drawn."""
