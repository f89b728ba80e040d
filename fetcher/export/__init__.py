"""Chooses and merges committed rows, and writes them and their bodies in other formats."""
