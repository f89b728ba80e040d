"""Cookies of a file, and of one URL's redirects."""
