"""Socket.IO clients of this backend as a tester wants them, for pytest and for the load alike: see `helper`."""
