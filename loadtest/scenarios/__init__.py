"""What a backend has to do, one scenario after the other; and what it can do at all."""
