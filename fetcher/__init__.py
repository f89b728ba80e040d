"""fetcher: every line of a URL file ends in exactly one durable result row.

Imports nothing, on purpose: a worker's first act is to patch, before anything else is loaded.
"""

__version__ = "0.1.0"
