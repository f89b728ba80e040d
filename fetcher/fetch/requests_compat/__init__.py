"""The fetch core as a transport adapter of `requests`."""
