"""Which connection a failed handshake belongs to, and that many refusals cost few log lines."""

from __future__ import annotations

from fetcher.security.connection_table import ConnectionTable
from fetcher.security.rejections import Reason, Rejections


class Table:
    """Connections, and what was said of them."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rejections = Rejections(self.said.append)
        self.of = ConnectionTable("results", self.rejections, 3.0)

    def counted(self) -> dict[Reason, int]:
        return {reason: count for reason, count in self.rejections.counts.items() if count}


def test_a_failure_is_of_the_connection_that_ends_next() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.0)
    table.of.failed(Reason.WRONG_SERVER_KEY)
    table.of.closed(7, 0.1)
    assert table.counted() == {Reason.WRONG_SERVER_KEY: 1}
    assert "10.0.0.7:1007" in table.said[0]
    assert len(table.of) == 1


def test_a_connection_that_ends_in_its_handshake_without_a_word_spoke_no_curve() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.closed(7, 0.1)
    assert table.counted() == {Reason.NOT_CURVE: 1}


def test_a_peer_that_leaves_in_good_order_is_not_counted() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.0)
    table.of.completed(0.2)
    table.of.completed(0.2)
    table.of.closed(8, 0.3)
    table.of.closed(7, 60.0)
    table.of.accepted(9, ("10.0.0.9", 1009), 60.0)
    table.of.closed(9, 65.0)  # too old to be in its handshake, whatever was told
    table.of.closed(10, 66.0)  # never seen
    assert table.counted() == {}


def test_of_two_that_are_judged_none_is_counted_in_whichever_order_they_leave() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.0)
    table.of.completed(0.1)  # it was 7
    table.of.closed(7, 0.1)
    table.of.completed(0.2)
    table.of.closed(8, 0.2)
    assert table.counted() == {}


def test_who_comes_after_another_was_judged_is_not_taken_for_it() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.completed(0.1)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.2)
    table.of.closed(8, 0.3)
    assert table.counted() == {Reason.NOT_CURVE: 1}


def test_a_peer_that_left_before_it_was_looked_at_has_no_address() -> None:
    table = Table()
    table.of.accepted(7, None, 0.0)
    table.of.failed(Reason.LEFT)
    table.of.closed(7, 0.0)
    assert "unknown address" in table.said[0]


def test_a_peer_that_is_silent_is_distinguished_from_one_that_leaves() -> None:
    table = Table()
    for fd, at in ((7, 1.0), (8, 2.9)):
        table.of.accepted(fd, ("10.0.0.7", fd), 0.0)
        table.of.failed(Reason.LEFT)
        table.of.closed(fd, at)
    assert table.counted() == {Reason.LEFT: 1, Reason.SILENT: 1}


def test_a_key_s_connections_are_those_from_where_it_was_proven_when_it_was() -> None:
    table = Table()
    table.of.accepted(6, ("10.0.0.7", 1006), 0.0)
    table.of.accepted(7, ("10.0.0.7", 1007), 10.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 10.0)
    table.of.authenticated("10.0.0.7", "KEY", 10.1)
    assert table.of.of_key("KEY") == [(7, "10.0.0.7")]
    table.of.closed(7, 11.0)
    table.of.accepted(7, ("10.0.0.9", 1009), 12.0)  # its number is another's now
    assert table.of.of_key("KEY") == []


def test_the_first_of_a_kind_is_said_then_the_10th_then_the_100th() -> None:
    said: list[str] = []
    rejections = Rejections(said.append)
    for _ in range(5000):
        rejections.add(Reason.UNKNOWN_KEY, "10.0.0.7", "results")
    rejections.add(Reason.UNKNOWN_KEY, "10.0.0.8", "events")
    rejections.add(Reason.REVOKED, "a message", "results")
    assert rejections.counts[Reason.UNKNOWN_KEY] == 5001
    assert len(said) == 6
    assert "(1000 such so far)" in said[3]
    assert "10.0.0.8 at events" in said[4]
    assert "no longer" in said[5]
