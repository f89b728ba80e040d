"""The progress of counting the URL file."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

_LEAST_FRACTION: Final = 1e-12


class SourceInfo(msgspec.Struct, frozen=True):
    """The counts so far: exact if `at_end`, else of the beginning of the file."""

    checked_bytes: int = 0  # of the uncompressed content
    checked_sha256: str = ""  # of those bytes
    url_lines: int = 0
    at_end: bool = False
    fraction: Annotated[float, Meta(ge=0, le=1)] = 0.0  # of the file that has been counted

    def total(self) -> tuple[int | None, bool]:
        """The number of URL lines, estimated before the end, and whether it is exact."""
        if self.at_end:
            return self.url_lines, True
        if self.fraction < _LEAST_FRACTION:
            return None, False
        return round(self.url_lines / self.fraction), False
