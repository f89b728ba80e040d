"""Tools that stand beside the program: never imported by it."""
