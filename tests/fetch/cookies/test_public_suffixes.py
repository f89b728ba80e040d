"""Domains under which anybody may register a name."""

from __future__ import annotations

import pytest

from fetcher.fetch.cookies.public_suffixes import is_known_domain, is_public_suffix


@pytest.mark.parametrize(
    ("domain", "is_public"),
    [
        ("com", True),
        ("co.uk", True),
        ("co.uk.", True),
        ("github.io", True),
        ("ck", True),
        ("example.com", False),
        ("www.ck", False),
        ("user.github.io", False),
    ],
)
def test_a_public_suffix_is_one_of_the_list(domain: str, is_public: bool) -> None:
    assert is_public_suffix(domain) is is_public


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("example.com", True),
        ("a.b.example.co.uk", True),
        ("com", False),
        ("co.uk", False),
        ("localhost", False),
        ("host.internal-name", False),
    ],
)
def test_a_host_is_known_below_a_suffix_of_the_list(name: str, is_known: bool) -> None:
    assert is_known_domain(name) is is_known
