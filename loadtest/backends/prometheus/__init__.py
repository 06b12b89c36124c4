"""The Prometheus Backend, as documented and as built."""
