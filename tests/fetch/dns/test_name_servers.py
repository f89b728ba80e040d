"""Answers of name servers, as c-ares reports them."""

from __future__ import annotations

from socket import AF_INET, AF_INET6

import pycares
import pytest
from pycares import AddrInfoNode, AddrInfoResult, errno

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.dns import name_servers
from fetcher.fetch.dns.name_servers import NameServers
from fetcher.fetch.dns.replies import Reply, Status


def found(*addresses: tuple[int, bytes]) -> AddrInfoResult:
    return AddrInfoResult(
        [], [AddrInfoNode(60, 0, family, 1, 6, (text, 0)) for family, text in addresses]
    )


def test_addresses_of_the_family_come_in_order_and_once() -> None:
    result = found((AF_INET, b"10.0.0.2"), (AF_INET6, b"::1"), (AF_INET, b"10.0.0.1"))
    twice = found((AF_INET, b"10.0.0.2"), (AF_INET, b"10.0.0.2"))
    reply = name_servers._reply
    assert reply(result, None, AF_INET) == Reply(Status.FOUND, ("10.0.0.2", "10.0.0.1"))
    assert reply(result, None, AF_INET6) == Reply(Status.FOUND, ("::1",))
    assert reply(twice, None, AF_INET) == Reply(Status.FOUND, ("10.0.0.2",))
    assert reply(found((AF_INET6, b"::1")), None, AF_INET) == Reply(Status.NO_ADDRESS)


def test_addresses_of_a_hostile_answer_are_bounded() -> None:
    many = found(*((AF_INET, b"10.0.0.%d" % n) for n in range(200)))
    assert len(name_servers._reply(many, None, AF_INET).addresses) == 16


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errno.ARES_ENODATA, Status.NO_ADDRESS, ErrorKind.DNS_OTHER),
        (errno.ARES_ENOTFOUND, Status.NO_NAME, ErrorKind.DNS_OTHER),
        (errno.ARES_ETIMEOUT, Status.SILENT, ErrorKind.DNS_OTHER),
        (errno.ARES_ESERVFAIL, Status.FAILED, ErrorKind.DNS_FAILED),
        (errno.ARES_EREFUSED, Status.FAILED, ErrorKind.DNS_REFUSED),
        (errno.ARES_EBADRESP, Status.FAILED, ErrorKind.DNS_BAD_ANSWER),
        (errno.ARES_ECONNREFUSED, Status.FAILED, ErrorKind.DNS_UNREACHABLE),
        (errno.ARES_EBADNAME, Status.FAILED, ErrorKind.DNS_OTHER),
    ],
)
def test_an_error_is_a_status_and_a_kind(error: int, status: Status, kind: ErrorKind) -> None:
    reply = name_servers._reply(None, error, AF_INET)
    assert (reply.status, reply.kind, reply.addresses) == (status, kind, ())
    assert bool(reply.detail) == (status is Status.FAILED)


def test_an_error_that_is_not_known_has_the_words_of_the_library() -> None:
    reply = name_servers._reply(None, errno.ARES_EBADFLAGS, AF_INET)
    assert (reply.status, reply.kind) == (Status.FAILED, ErrorKind.DNS_OTHER)
    assert reply.detail == str(errno.strerror(errno.ARES_EBADFLAGS))


@pytest.mark.parametrize(
    ("total_s", "tries", "wait_s"), [(7.0, 3, 1.0), (3.0, 2, 1.0), (3.0, 1, 3.0), (0.3, 3, 0.25)]
)
def test_all_rounds_to_a_server_together_take_the_time_of_the_setting(
    total_s: float, tries: int, wait_s: float
) -> None:
    made = NameServers([("127.0.0.1", 53), ("::1", 5353)], total_s, tries, 60.0)
    made.close()
    assert made._options["timeout"] == pytest.approx(wait_s)
    assert made._options["servers"] == ["127.0.0.1:53", "[::1]:5353"]
    assert made._options["flags"] & pycares.ARES_FLAG_NOSEARCH


@pytest.mark.parametrize(("asked_s", "used_s"), [(0.0, 1.0), (30.0, 30.0), (300.0, 60.0)])
def test_an_answer_is_kept_within_bounds(asked_s: float, used_s: float) -> None:
    made = NameServers([("127.0.0.1", 53)], 3.0, 3, asked_s)
    made.close()
    assert made._max_age_s == used_s


def test_a_closed_resolver_answers_at_once() -> None:
    made = NameServers([("127.0.0.1", 53)], 3.0, 3, 60.0)
    made.close()
    replies: list[Reply] = []
    made.ask("a.test", AF_INET, replies.append)
    assert [(reply.status, reply.detail) for reply in replies] == [
        (Status.FAILED, "the resolver was closed")
    ]
