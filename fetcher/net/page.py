"""The old name of fetcher.fetch.requests_compat.handler_page."""

import warnings

from fetcher.fetch.requests_compat.handler_page import *  # noqa: F403

warnings.warn(
    "fetcher.net.page is now fetcher.fetch.requests_compat.handler_page",
    DeprecationWarning,
    stacklevel=2,
)
