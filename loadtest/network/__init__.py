"""A bad network on one machine: a relay before any TCP server, that is slow, loses, stalls, breaks and refuses."""
