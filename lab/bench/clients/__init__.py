"""Clients to compare: each connects, joins, says that it is ready, and receives until standard input ends."""
