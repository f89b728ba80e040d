"""A family: one file for each form that result rows can have on disk."""
