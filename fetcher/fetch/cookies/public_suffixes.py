"""Knows the public suffixes, under which anybody may register a name: `co.uk`, `github.io`.

The Public Suffix List is the copy that comes with its library; nothing is downloaded. It takes
30 ms to read, so it is read when the first cookie with a domain comes.
https://publicsuffix.org/
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public_suffix(domain: str) -> bool:
    """Whether a cookie for this domain and its subdomains would reach other people's hosts."""
    return _known().is_public(domain.rstrip("."))


def is_known_domain(name: str) -> bool:
    """Whether a host name ends in a public suffix, and is longer than that."""
    known = _known()
    return "." in name and known.privatesuffix(name, accept_unknown=False) is not None


@functools.cache
def _known() -> PublicSuffixList:
    # Most jobs never need it.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
