"""The old name of fetcher.fetch.requests_compat.auth."""

import warnings

from fetcher.fetch.requests_compat.auth import *  # noqa: F403

warnings.warn(
    "fetcher.net.auth is now fetcher.fetch.requests_compat.auth", DeprecationWarning, stacklevel=2
)
