"""How a question to name servers ends.

Apart from fetch.dns.name_servers, so that c-ares is loaded for the first look-up only.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from fetcher.error_kinds import ErrorKind


class Status(Enum):
    """How a question ended; the values are names in metrics."""

    FOUND = "found"
    NO_NAME = "no_name"
    NO_ADDRESS = "no_address"  # the name exists without an address of this family
    FAILED = "failed"
    SILENT = "silent"  # no server answered in time


class Reply(NamedTuple):
    """The end of one question; `kind` and `detail` say more about a FAILED one."""

    status: Status
    addresses: tuple[str, ...] = ()
    detail: str = ""
    kind: ErrorKind = ErrorKind.DNS_OTHER


def failed(detail: str, kind: ErrorKind = ErrorKind.DNS_OTHER) -> Reply:
    """Make the reply of a FAILED question."""
    return Reply(Status.FAILED, (), detail, kind)
