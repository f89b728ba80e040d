"""The frontier of a crawl: which links become lines of its log, and which host is next.

Pure: the sink asks it in each commit, and `verify` asks it again with the same rules.
"""
