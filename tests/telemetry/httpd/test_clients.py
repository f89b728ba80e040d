"""Which client makes room for a new one when a port is full."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fetcher.telemetry.httpd.clients import Client, Room, who_leaves


def _clients(*asking: tuple[str, float, bool]) -> list[Client]:
    made = []
    for peer, since, is_asking in asking:
        client = Client(socket.socket(), peer, since)
        client.connection.close()
        client.is_asking = is_asking
        made.append(client)
    return made


def test_the_oldest_client_that_has_not_asked_leaves_first_of_its_own_address() -> None:
    full = _clients(("a", 1.0, False), ("b", 2.0, True), ("a", 3.0, True), ("a", 4.0, True))
    assert who_leaves(full, "c", 5.0, most=5, most_of_a_peer=4) is None
    assert who_leaves(full, "c", 5.0, most=4, most_of_a_peer=4) is full[1]
    assert who_leaves(full, "a", 5.0, most=5, most_of_a_peer=3) is full[2]


def test_a_client_with_its_answer_leaves_before_one_that_is_asking() -> None:
    full = _clients(("a", 1.0, True), ("a", 2.0, False), ("a", 3.0, False))
    full[2].is_answered = True
    assert who_leaves(full, "a", 3.1, most=3, most_of_a_peer=3) is full[2]


def test_a_client_that_is_being_answered_leaves_only_after_a_second() -> None:
    full = _clients(("a", 1.0, False), ("a", 1.5, False))
    assert who_leaves(full, "a", 1.9, most=2, most_of_a_peer=2) is None
    assert who_leaves(full, "a", 2.1, most=2, most_of_a_peer=2) is full[0]


Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Four connections: our end and that of the client."""
    made = [socket.socketpair() for _ in range(4)]
    for _, theirs in made:
        theirs.setblocking(False)
    yield made
    for pair in made:
        for each in pair:
            each.close()


def is_cut(pair: Pair) -> bool:
    """Whether the client reads the end of the connection."""
    try:
        return pair[1].recv(1) == b""
    except BlockingIOError:
        return False


def test_a_full_room_cuts_the_oldest_that_is_asking_for_a_new_client(pairs: list[Pair]) -> None:
    room = Room(most=2, most_of_a_peer=2)
    assert [room.enter(ours, "a", float(now)) for now, (ours, _) in enumerate(pairs[:3])] == [
        *(True, True, True),
    ]
    assert [is_cut(pair) for pair in pairs[:3]] == [True, False, False]


def test_a_room_full_of_clients_that_are_being_answered_takes_no_more(pairs: list[Pair]) -> None:
    room = Room(most=2, most_of_a_peer=2)
    for ours, _ in pairs[:2]:
        room.enter(ours, "a", 0.0)
        room.has_asked(ours)
    assert not room.enter(pairs[2][0], "b", 0.5)
    room.has_its_answer(pairs[1][0])
    assert room.enter(pairs[2][0], "b", 0.5)
    assert [is_cut(pair) for pair in pairs[:3]] == [False, True, False]


def test_a_client_that_has_left_makes_room(pairs: list[Pair]) -> None:
    room = Room(most=1, most_of_a_peer=1)
    room.enter(pairs[0][0], "a", 0.0)
    room.has_asked(pairs[0][0])
    room.leave(pairs[0][0])
    assert room.enter(pairs[1][0], "a", 0.1)
    assert not is_cut(pairs[0])


def test_what_is_said_of_a_client_that_has_left_is_ignored(pairs: list[Pair]) -> None:
    room = Room(most=1, most_of_a_peer=1)
    room.has_asked(pairs[0][0])
    room.has_its_answer(pairs[0][0])
    room.leave(pairs[0][0])
    assert room.enter(pairs[0][0], "a", 0.0)
