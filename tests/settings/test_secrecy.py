"""What is left of a value that may hold a secret."""

from __future__ import annotations

import re

import pytest

from fetcher.settings import describe, secrecy

# Settings that speak of secrets and hold none: an address and a path.
_HOLD_NONE = {
    "monitor.host",
    "engine.secrets_dir",
}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy.test:3128", "http://proxy.test:3128"),
        ("http://me:x1y2@proxy.test:3128", "http://…@proxy.test:3128"),
        ("redis://:x1y2@broker.test/0", "redis://…@broker.test/0"),
        ("redis://:x1/y2@broker.test/0", "redis://…@broker.test/0"),
        ("redis://:x1@y2@broker.test/0", "redis://…@broker.test/0"),
        ("redis://broker.test/0?password=x1y2", "redis://broker.test/0?…"),
        ("amqp://a:x1y2@one.test//;amqp://a:x1y2@two.test//", "amqp://…@two.test//"),
        ("", ""),
    ],
)
def test_a_url_keeps_its_host_and_loses_its_credentials(url: str, shown: str) -> None:
    assert secrecy.credentials(url) == shown


def test_headers_keep_their_names() -> None:
    assert secrecy.header_values(["Authorization: Bearer x1y2", "Accept:*/*"]) == [
        "Authorization: …",
        "Accept: …",
    ]


def test_an_empty_value_is_not_taken_for_a_secret() -> None:
    assert (secrecy.all_of(""), secrecy.all_of("x1y2")) == ("", "…")


def test_a_setting_that_speaks_of_secrets_hides_its_value() -> None:
    speak = {
        key
        for key in describe.all_keys()
        if re.search("secret|token|password", f"{key} {describe.setting(key).description}")
    }
    assert speak - _HOLD_NONE <= describe.secrets().keys()
