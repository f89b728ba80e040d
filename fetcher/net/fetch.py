"""The old name of fetcher.fetch.interface."""

import warnings

from fetcher.fetch.interface import *  # noqa: F403

warnings.warn("fetcher.net.fetch is now fetcher.fetch.interface", DeprecationWarning, stacklevel=2)
