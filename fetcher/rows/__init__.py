"""Encodes results: one module for each form that rows and bodies have on disk."""
