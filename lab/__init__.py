"""Equipment of the lab: the reference backend, clusters of it, calibration, benches and the demo."""
