"""Hosts are split into as many messages as they need."""

from __future__ import annotations

import pytest

from fetcher.protocol import messages


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_no_part_has_more_hosts_than_a_message_may(
    monkeypatch: pytest.MonkeyPatch, count: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(messages, "MAX_HOSTS", 3)
    hosts = list(range(count))
    parts = [hosts[part] for part in messages.parts(count)]
    assert [len(part) for part in parts] == sizes
    assert [host for part in parts for host in part] == hosts
