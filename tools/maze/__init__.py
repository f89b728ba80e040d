"""A hostile web site for crawls, whose right answer is known.

Five hosts on loopback addresses: a site whose links are written in every way that browsers
understand, a mirror of a part of it, an endless calendar, endless session ids, and pages that are
never "not found". `oracle` says which requests a right crawl makes, each exactly once.
"""
