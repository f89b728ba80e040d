"""How a question to name servers ends.

Apart from fetch.dns.name_servers, so that c-ares is loaded for the first look-up only.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from fetcher.error_kinds import ErrorKind


class Status(Enum):
    """How a question ended."""

    FOUND = auto()
    NO_NAME = auto()
    NO_ADDRESS = auto()  # the name exists without an address of this family
    FAILED = auto()
    SILENT = auto()  # no server answered in time


class Reply(NamedTuple):
    """The end of one question; `kind` and `detail` say more about a FAILED one."""

    status: Status
    addresses: tuple[str, ...] = ()
    detail: str = ""
    kind: ErrorKind = ErrorKind.DNS_OTHER


def failed(detail: str, kind: ErrorKind = ErrorKind.DNS_OTHER) -> Reply:
    """Make the reply of a FAILED question."""
    return Reply(Status.FAILED, (), detail, kind)
