"""`fetcher top`: a running job in the terminal, once a second."""
