"""Checks of settings that a type alone does not make."""

from __future__ import annotations

import msgspec
import pytest

from fetcher.settings.sections_http import Dns, Guard, Http


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (Http, {"tls_groups": ["X25519", "P-256"]}),
        (Dns, {"servers": ["127.0.0.1", "127.0.0.1:53", "[::1]:53", "::1"]}),
        (Guard, {"allow": ["10.0.0.0/8", "fc00::/7", "127.0.0.1/32"]}),
    ],
)
def test_values_that_can_be_used_are_taken(section: type, values: dict[str, list[str]]) -> None:
    found: object = msgspec.convert(values, section)
    (name,) = values
    assert list(getattr(found, name)) == values[name]


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (Http, {"tls_groups": ["X25519", "P-256", "X25519"]}),
        (Dns, {"servers": ["127.0.0.1", "name.test"]}),
        (Dns, {"servers": ["127.0.0.1:70000"]}),
        (Guard, {"allow": ["10.0.0.0/8", "10.0.0.1/8"]}),
        (Guard, {"allow": ["everything"]}),
    ],
)
def test_values_that_cannot_be_used_are_refused(
    section: type, values: dict[str, list[str]]
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, section)
