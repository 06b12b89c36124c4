"""Several instances of the reference backend on one machine: one database, one Redis, a real load balancer."""
