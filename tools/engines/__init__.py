"""Measures what each engine costs: see __main__."""
