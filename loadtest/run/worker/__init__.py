"""A worker of a run: offers the load, reports every second, and counts when the run is over."""
