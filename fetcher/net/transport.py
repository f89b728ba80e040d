"""The old name of fetcher.fetch.http.connections."""

import warnings

from fetcher.fetch.http.connections import Connections as Transport  # noqa: F401

warnings.warn(
    "fetcher.net.transport is now fetcher.fetch.http.connections", DeprecationWarning, stacklevel=2
)
