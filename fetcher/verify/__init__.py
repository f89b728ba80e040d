"""Proves from the files that every URL line has exactly one row."""
