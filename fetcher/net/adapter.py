"""The old name of fetcher.fetch.requests_compat.adapter."""

import warnings

from fetcher.fetch.requests_compat.adapter import *  # noqa: F403

warnings.warn(
    "fetcher.net.adapter is now fetcher.fetch.requests_compat.adapter",
    DeprecationWarning,
    stacklevel=2,
)
