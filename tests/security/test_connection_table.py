"""Which connection a failed handshake belongs to, by the events of a monitor."""

from __future__ import annotations

from fetcher.security.connection_table import ConnectionTable
from fetcher.security.rejections import Reason, Rejections


class Table:
    """A table, and the lines that it caused."""

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


def test_a_connection_that_ends_in_its_handshake_did_not_use_curve() -> None:
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
    table.of.closed(9, 65.0)  # too old to be in its handshake, whatever was reported
    table.of.closed(10, 66.0)  # never seen
    assert table.counted() == {}


def test_two_peers_that_completed_are_not_counted_in_whichever_order_they_leave() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.0)
    table.of.completed(0.1)  # it was 7
    table.of.closed(7, 0.1)
    table.of.completed(0.2)
    table.of.closed(8, 0.2)
    assert table.counted() == {}


def test_a_peer_that_comes_after_another_completed_is_not_taken_for_it() -> None:
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


def test_only_the_connection_that_ends_next_has_failed() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.0)
    table.of.completed(0.1)
    table.of.completed(0.1)
    table.of.failed(Reason.LEFT)
    table.of.closed(7, 0.1)
    table.of.closed(8, 0.1)
    assert table.counted() == {Reason.LEFT: 1}


def test_a_guess_that_was_wrong_is_taken_back() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.accepted(8, ("10.0.0.8", 1008), 0.1)
    table.of.completed(0.2)  # taken for 8, and it was 7
    table.of.closed(7, 0.3)
    assert table.counted() == {}
    table.of.closed(8, 0.4)
    assert table.counted() == {Reason.NOT_CURVE: 1}, "8 has not completed its handshake"


def test_a_key_is_not_noted_for_connections_that_are_too_old_to_have_shown_it() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.authenticated("10.0.0.7", "KEY", 4.0)
    assert table.of.of_key("KEY") == []
    table.of.accepted(8, ("10.0.0.7", 1008), 0.1)
    table.of.authenticated("10.0.0.7", "KEY", 4.0)
    assert table.of.of_key("KEY") == [(8, "10.0.0.7")]


def test_a_descriptor_that_is_used_again_has_a_new_connection() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.authenticated("10.0.0.7", "KEY", 0.1)
    table.of.accepted(7, ("10.0.0.9", 1009), 1.0)
    assert table.of.of_key("KEY") == []
    assert len(table.of) == 1


def test_a_handshake_is_not_taken_for_that_of_an_old_connection() -> None:
    table = Table()
    table.of.accepted(7, ("10.0.0.7", 1007), 0.0)
    table.of.completed(10.0)  # of a connection that is not known
    table.of.accepted(8, ("10.0.0.8", 1008), 10.0)
    table.of.closed(8, 10.1)
    assert table.counted() == {Reason.NOT_CURVE: 1}
