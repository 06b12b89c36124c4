"""How bytes become Socket.IO events. Knows nothing of what is measured: it is handed an observer."""
