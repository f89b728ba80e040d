"""The old name of fetcher.fetch.http.pool."""

import warnings

from fetcher.fetch.http.pool import *  # noqa: F403

warnings.warn(
    "fetcher.net.transport is now fetcher.fetch.http.pool", DeprecationWarning, stacklevel=2
)
