"""ZeroMQ sockets between the roles."""
