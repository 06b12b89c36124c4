"""Side by side with peers and with the floor, on one server, in one run."""
