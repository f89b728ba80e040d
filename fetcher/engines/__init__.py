"""Start and supervision of the roles' processes."""
