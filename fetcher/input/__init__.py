"""What a line of the URL file is, and the reading of the file."""
