"""The engine `dask`: a plugin in the workers of Dask runs the slots, at most one for each thread.

Slots are no tasks of Dask: it would run those of a dead worker again, and one that runs for minutes
would take a thread from other programs' tasks. Only this package knows Dask.
"""

from __future__ import annotations

from fetcher.engines.helper import HelperEngine
from fetcher.settings.schema import Settings

_ENCRYPTED = "tls://"


class DaskEngine(HelperEngine):
    """Slots in the workers of a scheduler of Dask; without an address, in some of this host."""

    engine = "fetcher.engines.dask.client:DaskClient"
    library = "distributed"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # Secrets are arguments of calls through the scheduler, which it neither shows nor logs.
        self.carries_secrets = settings.engine.address.startswith(_ENCRYPTED)
