"""Malformed messages for everything that takes bytes from a peer: see `python -m tools.fuzz -h`."""
