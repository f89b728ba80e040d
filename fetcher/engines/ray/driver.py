"""The engine `ray` in the process of `fetcher run`: prepares the helper that speaks with Ray."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from fetcher.engines.helper import HelperEngine
from fetcher.engines.private import private_directory
from fetcher.engines.ray.address import address_of

# A socket's path may have 107 bytes, and Ray adds up to 65 to this directory.
_MOST_BASE: Final = 24


class RayEngine(HelperEngine):
    """Actors, one for each slot."""

    engine = "fetcher.engines.ray.client:RayClient"
    library = "ray"
    slots_end_with_it = True
    # Ray would put this directory at the head of its workers' search path.
    directory = "/"
    # Ray sends arguments over the network in the clear.
    carries_secrets = False

    @contextlib.contextmanager
    def environment(self) -> Iterator[Mapping[str, str]]:
        """Yield variables for the helper, which a Ray that it starts inherits."""
        variables = {"RAY_USAGE_STATS_ENABLED": os.environ.get("RAY_USAGE_STATS_ENABLED", "0")}
        if address_of(self.settings):
            yield variables
            return
        with private_directory(_MOST_BASE) as directory:
            yield {
                **variables,
                "RAY_TMPDIR": str(directory),
                # It listens on all addresses, and would run the code of anybody who connects.
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": secrets.token_hex(32),
                # It would kill slots when other programs need the host's memory.
                "RAY_memory_monitor_refresh_ms": "0",
            }
