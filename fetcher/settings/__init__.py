"""What can be set: each setting declared once, read from file, environment and command line."""
