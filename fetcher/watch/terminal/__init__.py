"""Tables, live lines and the full screen of `fetcher top`."""
