"""Looks host names up, and gives libcurl their addresses."""
