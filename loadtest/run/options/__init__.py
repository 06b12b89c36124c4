"""What a run is asked for: the options, their checks, and who takes part."""
