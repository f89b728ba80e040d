"""A host to whose IPv4 addresses no connection can be made is asked for its IPv6 addresses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.dns import resolver
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.fetch.urls import target_of
from fetcher.model import Outcome
from fetcher.settings.schema import Settings
from support.by_hand import crowded, crowded_port, session
from support.fetching import fetch_here
from support.names import NameServer, at, name_server
from support.scripted import Script, answer, scripted, self_signed
from support.secure import https_server

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage"
ZONE = {
    ("dual.test", "A"): [at("127.0.0.1")],
    ("dual.test", "AAAA"): [at("::1")],
    ("four.test", "A"): [at("127.0.0.1")],
    ("four.test", "AAAA"): [at()],
    ("private.test", "A"): [at("127.0.0.1")],
    ("private.test", "AAAA"): [at("fd00::7")],
    ("denied.test", "A"): [at("10.0.0.1")],
    ("denied.test", "AAAA"): [at("fd00::7")],
    ("half.test", "A"): [at("10.0.0.1")],
    ("half.test", "AAAA"): [at("::1")],
    ("other.test", "A"): [at("127.0.0.1")],
    ("other.test", "AAAA"): [at("fd00::7")],
}
ORDERS = ["a-first", "aaaa-first", "both"]


@pytest.fixture(autouse=True)
def route_to_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_has_ipv6", lambda: True)


class Server:
    """A server at an address of one IP version, whose port may be free at the other."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.asked: list[bytes] = []

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    connection.settimeout(60)
                    self.asked.append(connection.recv(65536))
                    connection.sendall(PAGE)


@contextlib.contextmanager
def on_ipv6() -> Iterator[Server]:
    """A server whose port refuses connections at 127.0.0.1, and stays free there."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with serving("::1", reserved.getsockname()[1]) as server:
            yield server


@contextlib.contextmanager
def serving(address: str, port: int) -> Iterator[Server]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}, or the port is taken")
    server = Server(listener)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)
        listener.close()


@contextlib.contextmanager
def settings_for(**sections: dict[str, Any]) -> Iterator[tuple[Settings, NameServer]]:
    with name_server(ZONE) as names:
        given = {
            "guard": {"allow": ["127.0.0.0/8", "::1/128"]},
            "retry": {"attempts": 1},
            **sections,
            "dns": {"servers": [f"127.0.0.1:{names.port}"], **sections.get("dns", {})},
        }
        yield msgspec.convert(given, Settings), names


@pytest.mark.parametrize("keep", [Keep.NOTHING, Keep.BODY, Keep.WIRE])
@pytest.mark.parametrize("auth", ["", "support.auths:basic"])
def test_a_refused_connection_is_made_by_ipv6(keep: Keep, auth: str) -> None:
    with on_ipv6() as server, settings_for(http={"auth": auth}) as (settings, names):
        url = f"http://dual.test:{server.port}/"
        results = fetch_here(settings, url, url, keep=keep)
    assert [result.outcome for result in results] == [Outcome.OK] * 2
    assert [result.remote_ip for result in results] == ["::1"] * 2
    assert [result.attempts for result in results] == [1, 1]
    assert dict(names.asked) == {("dual.test", "A"): 1, ("dual.test", "AAAA"): 1}


def test_a_post_is_sent_by_ipv6_too() -> None:
    with on_ipv6() as server, settings_for() as (settings, _):
        url = f"http://dual.test:{server.port}/"
        (result,) = fetch_here(settings, url, method="POST", body=b"body")
    assert result.outcome is Outcome.OK
    assert len(server.asked) == 1


def test_a_session_of_requests_reaches_the_host_too() -> None:
    with on_ipv6() as server, settings_for() as (settings, _):
        client = session(CurlAdapter(Connections(settings)))
        answer = client.post(f"http://dual.test:{server.port}/", data=iter([b"streamed"]))
    assert answer.text == "page"


def test_a_connection_that_is_not_made_in_time_is_made_by_ipv6() -> None:
    with crowded() as url, settings_for(http={"connect_timeout_s": 0.5}) as (settings, _):
        port = int(url.rstrip("/").rpartition(":")[2])
        with serving("::1", port):
            for keep in (Keep.NOTHING, Keep.BODY):
                (result,) = fetch_here(settings, f"http://dual.test:{port}/", keep=keep)
                assert result.outcome is Outcome.OK


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("dead", "alive"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_a_host_that_answers_by_one_ip_version_only_is_reached_whatever_the_order(
    order: str, dead: str, alive: str
) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no ::1")
    given: dict[str, dict[str, Any]] = {"http": {"connect_timeout_s": 1.0}, "dns": {"order": order}}
    with crowded_port(dead) as port, serving(alive, port), settings_for(**given) as (settings, _):
        results = fetch_here(settings, *[f"http://dual.test:{port}/"] * 2)
    for result in results:
        assert (result.outcome, result.remote_ip, result.attempts) == (Outcome.OK, alive, 1)


def test_the_failure_stays_where_there_is_nothing_else() -> None:
    with on_ipv6() as server, settings_for() as (settings, names):
        urls = [f"http://{name}.test:{server.port}/" for name in ("four", "private")]
        results = fetch_here(settings, *urls)
    assert [(result.outcome, result.error_kind) for result in results] == [
        (Outcome.CONNECT, "refused")
    ] * 2
    assert server.asked == []
    assert names.asked["four.test", "AAAA"] == names.asked["private.test", "AAAA"] == 1


def test_the_second_family_shares_the_deadline() -> None:
    limits = {"connect_timeout_s": 5.0, "total_timeout_s": 0.6}
    with crowded() as url, settings_for(http=limits) as (settings, names):
        port = int(url.rstrip("/").rpartition(":")[2])
        with serving("::1", port):
            (result,) = fetch_here(settings, f"http://dual.test:{port}/")
    assert result.outcome is Outcome.TIMEOUT
    assert result.timings_ms is not None and (result.timings_ms.total or 0) < 5000
    assert names.asked["dual.test", "AAAA"] == 0


def test_failures_after_the_connection_ask_for_nothing_more(tmp_path: Path) -> None:
    with https_server(self_signed(tmp_path)) as port, settings_for() as (settings, names):
        (result,) = fetch_here(settings, f"https://dual.test:{port}/")
    assert result.outcome is Outcome.TLS
    assert names.asked["dual.test", "AAAA"] == 0


def test_with_both_at_once_libcurl_tries_each_address() -> None:
    with on_ipv6() as server, settings_for(dns={"order": "both"}) as (settings, names):
        (result,) = fetch_here(settings, f"http://dual.test:{server.port}/")
    assert result.outcome is Outcome.OK
    assert dict(names.asked) == {("dual.test", "A"): 1, ("dual.test", "AAAA"): 1}


def test_lines_that_began_together_all_learn_of_the_other_addresses() -> None:
    with settings_for() as (settings, names):
        connections = Connections(settings)
        target = target_of("http://dual.test/", 100)
        first, second = (connections.pin(target, 10.0) for _ in range(2))
        for pin in (first, second):
            assert (pin.addresses, pin.more and pin.more(10.0)) == ("127.0.0.1", "[::1]")
        later = connections.pin(target, 10.0)
        assert (later.addresses, later.more) == ("127.0.0.1,[::1]", None)
    assert dict(names.asked) == {("dual.test", "A"): 1, ("dual.test", "AAAA"): 1}


@pytest.mark.parametrize(
    ("order", "used"), [("a-first", "127.0.0.1"), ("aaaa-first", "::1"), ("both", "::1")]
)
def test_of_two_addresses_that_answer_the_order_decides_which_is_used(
    order: str, used: str
) -> None:
    with serving("::1", 0) as six, serving("127.0.0.1", six.port) as four:
        with settings_for(dns={"order": order}) as (settings, _):
            (result,) = fetch_here(settings, f"http://dual.test:{six.port}/")
        assert (result.outcome, result.remote_ip) == (Outcome.OK, used)
        assert [len(server.asked) for server in (four, six)] == [used != "::1", used == "::1"]


def test_with_ipv6_first_the_other_family_is_ipv4() -> None:
    with on_ipv6() as server, settings_for(dns={"order": "aaaa-first"}) as (settings, names):
        (result,) = fetch_here(settings, f"http://dual.test:{server.port}/")
        assert (result.outcome, result.remote_ip) == (Outcome.OK, "::1")
        assert names.asked["dual.test", "A"] == 0
        with scripted({"/": Script(answer(b"four"))}) as four:
            (result,) = fetch_here(settings, f"http://dual.test:{four.port}/")
        assert (result.outcome, result.remote_ip) == (Outcome.OK, "127.0.0.1")


@pytest.mark.parametrize("order", ORDERS)
def test_a_host_with_one_allowed_address_is_fetched_whatever_the_order(order: str) -> None:
    with on_ipv6() as server, settings_for(dns={"order": order}) as (settings, names):
        url = f"http://half.test:{server.port}/"
        results = fetch_here(settings, *[url] * 5)
        assert [result.outcome for result in results] == [Outcome.OK] * 5
        assert [result.remote_ip for result in results] == ["::1"] * 5
        with scripted({"/": Script(answer(b"four"))}) as four:
            (result,) = fetch_here(settings, f"http://other.test:{four.port}/")
        assert (result.outcome, result.remote_ip) == (Outcome.OK, "127.0.0.1")
    assert max(names.asked.values()) < 5  # a slow machine asks again


@pytest.mark.parametrize("order", ORDERS)
def test_a_host_with_denied_addresses_only_is_blocked_whatever_the_order(order: str) -> None:
    with settings_for(dns={"order": order}) as (settings, names):
        results = fetch_here(settings, *["http://denied.test/"] * 5)
    assert [(result.outcome, result.error_kind) for result in results] == [
        (Outcome.BLOCKED, "address")
    ] * 5
    assert set(names.asked) == {("denied.test", "A"), ("denied.test", "AAAA")}
    assert max(names.asked.values()) < 5


@pytest.mark.parametrize(("version", "has_ipv6"), [("4", True), ("any", False)])
def test_without_ipv6_a_host_with_denied_addresses_is_asked_nothing_more(
    version: str, has_ipv6: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "_has_ipv6", lambda: has_ipv6)
    with settings_for(http={"ip_version": version}) as (settings, names):
        (result,) = fetch_here(settings, "http://half.test/")
    assert result.outcome is Outcome.BLOCKED
    assert set(names.asked) == {("half.test", "A")}
