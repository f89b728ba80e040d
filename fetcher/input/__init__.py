"""The input: reads the URL file, and defines what a line of it is."""
