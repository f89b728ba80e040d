"""A role without keys: every peer may use its sockets, and nothing is refused."""

from __future__ import annotations

from fetcher.protocol import messages
from fetcher.security.policy import NO_KEYS


def test_a_role_without_keys_requires_nothing() -> None:
    assert NO_KEYS.options("events", bind=True) == {}
    assert NO_KEYS.vouches("", messages.Bye("w"), "events")
    assert NO_KEYS.sender(object(), "events") == ""
    assert NO_KEYS.revoked(["w"]) == []
    NO_KEYS.check()
    assert not any(NO_KEYS.rejections.counts.values())
