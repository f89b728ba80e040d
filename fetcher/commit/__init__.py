"""Which rows are new and durable: the sink's decisions. No socket, file, clock or greenlet."""
