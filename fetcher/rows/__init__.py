"""A result as bytes: one file for each form that rows and bodies have on disk."""
