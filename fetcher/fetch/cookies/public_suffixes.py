"""Domains below which anybody may have a name: `co.uk`, `github.io`, `kawasaki.jp`.

Law: from the copy of the Public Suffix List that comes with its library; the network is never
asked. The list takes 30 ms to read, so it is read when the first cookie with a domain comes.
https://publicsuffix.org/
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public_suffix(domain: str) -> bool:
    """Whether a cookie for this domain, and all below it, would reach hosts of strangers."""
    return _known().is_public(domain.rstrip("."))


def is_known_domain(name: str) -> bool:
    """Whether a host name ends as names on the internet do, and is no such ending itself."""
    known = _known()
    return "." in name and known.privatesuffix(name, accept_unknown=False) is not None


@functools.cache
def _known() -> PublicSuffixList:
    # Most jobs meet no cookie with a domain.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
