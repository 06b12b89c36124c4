"""Official Socket.IO clients as members of rooms during the load: they have to see what the others see."""
