"""The number of users over time: shapes, and the search for the largest load that passes. Pure."""
