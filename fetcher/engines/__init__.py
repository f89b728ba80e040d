"""A family: who starts and supervises the roles' processes."""
