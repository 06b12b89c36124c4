"""How many users there are, and when: shapes over time, and the search for the largest number that holds. Pure."""
