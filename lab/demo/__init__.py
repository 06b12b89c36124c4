"""`make demo`: the reference backend, a master and its workers, as processes of one machine, for one run."""
