"""When a host may be asked again. No socket, file, clock or greenlet."""
