"""Small things that others are made after; each has a page in `docs/`."""
