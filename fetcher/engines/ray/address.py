"""Where a job's Ray is."""

from __future__ import annotations

import os
from typing import Final

from fetcher.settings.schema import Settings

_LOCAL: Final = "local"


def address_of(settings: Settings) -> str:
    """Return the address of the Ray to use; "": one is started for the job."""
    address = settings.engine.address or os.environ.get("RAY_ADDRESS", "")
    return "" if address == _LOCAL else address
