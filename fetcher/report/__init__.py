"""`fetcher report`: what a job did, as one HTML page and as a few lines for the terminal."""
