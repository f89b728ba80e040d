"""Reads pages, style sheets and sitemaps for a crawl: links, title, and what robots are asked.

CPU only, in the worker: bytes in, frozen data out. All input is hostile, so everything is bounded.
"""
