"""Both checks of an address, each alone and for each way to a connection.

The first check keeps libcurl from connecting to a refused address. The second one keeps the request
from the peer if a connection was made nevertheless. Each way is taken with both checks, with the
second one alone, and without a check: that the last one reaches the server proves that the test
would see it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import msgspec
import pycurl
import pytest

from fetcher.fetch.dns.pins import Pin
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.fetch.transfer.exchange import Exchange
from fetcher.fetch.transfer.message import Request
from fetcher.model import Outcome
from fetcher.settings.schema import Settings
from support.by_hand import session
from support.fetching import fetch_here
from support.names import at, name_server
from support.scripted import Script, ScriptedServer, answer, scripted
from support.secure import Http2, context_of, http2_server
from support.waiting import wait_until
from tools.certificates import Authority

OPEN = "127.0.0.1"  # where servers may be connected to
CLOSED = "127.0.0.2"
PAGE = Script(answer(b"page"))
KEPT = Script(answer(b"page"), end="keep")
SCRIPTS = {"/": PAGE, "/robots.txt": PAGE}


class Place(NamedTuple):
    """Where a refused server is: its port, and a redirect to it from an allowed server."""

    port: int
    redirect: str


Way = Callable[[Settings, Place], object]


def fetched(settings: Settings, url: str, **task: Any) -> Outcome:
    return fetch_here(settings, url, **task)[0].outcome


def by_url(url: str, **task: Any) -> Way:
    return lambda settings, place: fetched(settings, url.format(port=place.port), **task)


def by_redirect(settings: Settings, place: Place) -> Outcome:
    return fetched(settings, place.redirect)


def by_redirect_of_robots(settings: Settings, place: Place) -> Outcome:
    polite = msgspec.structs.replace(settings.polite, robots=True)
    changed = msgspec.structs.replace(settings, polite=polite)
    return fetched(changed, place.redirect.removesuffix("/away") + "/page")


def by_robots(settings: Settings, place: Place) -> Outcome:
    polite = msgspec.structs.replace(settings.polite, robots=True)
    changed = msgspec.structs.replace(settings, polite=polite)
    return fetched(changed, f"http://closed.test:{place.port}/")


def by_auth(settings: Settings, place: Place) -> Outcome:
    http = msgspec.structs.replace(settings.http, auth="support.auths:basic")
    changed = msgspec.structs.replace(settings, http=http)
    return fetched(changed, f"http://closed.test:{place.port}/")


def by_adapter(settings: Settings, place: Place) -> None:
    with contextlib.suppress(OSError):  # of which the errors of requests are
        session(CurlAdapter(Connections(settings))).get(f"http://closed.test:{place.port}/")


def by_streamed_upload(settings: Settings, place: Place) -> None:
    with contextlib.suppress(OSError):
        url = f"http://closed.test:{place.port}/"
        session(CurlAdapter(Connections(settings))).post(url, data=iter([b"a", b"b"]))


WAYS: dict[str, Way] = {
    "name": by_url("http://closed.test:{port}/"),
    "name with a dot": by_url("http://closed.test.:{port}/"),
    "post": by_url("http://closed.test:{port}/", method="POST", body=b"body"),
    "literal": by_url(f"http://{CLOSED}:{{port}}/"),
    "odd literal": by_url("http://0x7f.2:{port}/"),
    "wrapped literal": by_url(f"http://[::ffff:{CLOSED}]:{{port}}/"),
    # Nobody listens at the first address: libcurl tries the second one.
    "second address": by_url("http://two.test:{port}/"),
    "redirect": by_redirect,
    "robots.txt": by_robots,
    "redirect of robots.txt": by_redirect_of_robots,
    "auth": by_auth,
    "adapter": by_adapter,
    "streamed upload": by_streamed_upload,
}
ZONE = {
    ("closed.test", "A"): [at(CLOSED)],
    ("two.test", "A"): [at(OPEN, CLOSED)],
    ("*", "A"): [at(OPEN)],
    ("*", "AAAA"): [at()],
}


@contextlib.contextmanager
def refused_server(tls: Any = None) -> Iterator[tuple[Settings, Place, ScriptedServer]]:
    """Settings that do not open its address, its place, and the server."""
    with contextlib.ExitStack() as stack:
        closed = stack.enter_context(scripted(SCRIPTS, tls, CLOSED))
        away = answer(b"", f"Location: http://closed.test:{closed.port}/", status="302 Found")
        moved = Script(away, end="keep")
        scripts = {"/away": moved, "/robots.txt": moved, "/page": PAGE}
        allowed = stack.enter_context(scripted(scripts, None, OPEN))
        yield settings_with(stack), Place(closed.port, allowed.url("/away")), closed


def settings_with(stack: contextlib.ExitStack, **http: Any) -> Settings:
    names = stack.enter_context(name_server(ZONE))
    sections = {
        "guard": {"allow": [f"{OPEN}/32"]},
        "dns": {"servers": [f"{OPEN}:{names.port}"]},
        "retry": {"attempts": 1},
        "http": {"total_timeout_s": 20.0, **http},
    }
    return msgspec.convert(sections, Settings)


def without_the_first_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connections, "_passed", lambda _self, addresses: addresses)
    monkeypatch.setattr(Connections, "_refusal", lambda *_args, **_names: None)


def without_the_second_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "_on_connected", lambda *_args: 0)


@pytest.mark.parametrize("way", WAYS)
def test_with_both_checks_no_connection_is_made(way: str) -> None:
    with refused_server() as (settings, place, server):
        ended = WAYS[way](settings, place)
    assert (server.connections, server.heads) == (0, [])
    wanted = Outcome.CONNECT if way == "second address" else Outcome.BLOCKED
    assert ended in (wanted, None)


@pytest.mark.parametrize("way", WAYS)
def test_with_the_second_check_alone_the_server_gets_no_request(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_first_check(monkeypatch)
    with refused_server() as (settings, place, server):
        ended = WAYS[way](settings, place)
        wait_until(lambda: server.connections > 0)
    assert server.heads == []
    assert ended in (Outcome.BLOCKED, None)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_check_the_server_gets_the_request(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_first_check(monkeypatch)
    without_the_second_check(monkeypatch)
    with refused_server() as (settings, place, server):
        ended = WAYS[way](settings, place)
    assert server.heads, ended


def test_over_tls_no_request_is_sent_and_no_connection_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    context = context_of(*authority.issue(["closed.test"]))
    with refused_server(context) as (settings, place, server):
        http = msgspec.structs.replace(settings.http, ca_file=str(authority.ca_file))
        trusting = msgspec.structs.replace(settings, http=http)
        url = f"https://closed.test:{place.port}/"
        assert fetched(trusting, url) is Outcome.BLOCKED
        assert server.connections == 0
        without_the_first_check(monkeypatch)
        assert fetched(trusting, url) is Outcome.BLOCKED
        assert (server.connections, server.heads) == (1, [])
        without_the_second_check(monkeypatch)
        assert fetched(trusting, url) is Outcome.OK


def test_a_request_on_a_shared_http2_connection_is_judged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(http2_server(context_of(*authority.issue(["any.test"]))))
        settings = settings_with(stack, ca_file=str(authority.ca_file))
        transport = Connections(settings)
        url = f"https://any.test:{port}"
        pin = Pin(f"any.test:{port}", OPEN)
        transport.lend().perform(Request(f"{url}/1"), 10.0, pin)
        monkeypatch.setattr(transport._guard, "refusal", lambda address: f"{address} is closed now")
        with pytest.raises(Failure, match="closed now"):
            transport.lend().perform(Request(f"{url}/2"), 10.0, pin)
        assert (dict(Http2.answered), Http2.connections) == ({"/1": 1}, 1)


def test_a_request_on_a_kept_connection_is_judged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(scripted({"/": KEPT}))
        transport = Connections(settings_with(stack))
        pin = Pin(f"any.test:{server.port}", OPEN)
        request = Request(f"http://any.test:{server.port}/")
        for _ in range(2):
            transport.lend().perform(request, 10.0, pin)
        monkeypatch.setattr(transport._guard, "refusal", lambda address: f"{address} is closed now")
        with pytest.raises(Failure, match="closed now") as raised:
            transport.lend().perform(request, 10.0, pin)
    assert raised.value.outcome is Outcome.BLOCKED
    assert (server.connections, len(server.heads)) == (1, 2)


@pytest.mark.parametrize("host", ["localhost", OPEN, "[::1]", "0x7f.1", "127.1", "other.test"])
def test_libcurl_looks_nothing_up_that_was_not_judged(host: str) -> None:
    # Everything is open: only the missing pin keeps libcurl away.
    opened = {"guard": {"allow": ["0.0.0.0/0", "::/0"]}}
    with scripted(SCRIPTS) as server:
        exchange = Connections(msgspec.convert(opened, Settings)).lend()
        request = Request(f"http://{host}:{server.port}/")
        with pytest.raises(Failure) as raised:
            exchange.perform(request, 10.0, Pin(f"judged.test:{server.port}", OPEN))
    assert raised.value.outcome is Outcome.BLOCKED
    assert server.connections == 0


def test_a_pin_that_libcurl_has_lost_is_set_again() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(scripted({"/": Script(answer(b"page"))}))
        transport = Connections(settings_with(stack))
        pin = Pin(f"any.test:{server.port}", OPEN)
        request = Request(f"http://any.test:{server.port}/")
        exchange = transport.lend()
        for _ in range(2):
            exchange.perform(request, 10.0, pin)
            # As another transfer does whose turn comes late:
            exchange._easy.setopt(pycurl.RESOLVE, [f"-{pin.place}"])
    assert (exchange.status, server.connections) == (200, 2)


def test_a_lost_request_is_repeated_to_a_judged_address_only() -> None:
    """libcurl looks the host up again for it, among the pins."""
    dies = {"/": lambda asked: KEPT if asked.nth == 1 else Script()}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(scripted(dies))
        transport = Connections(settings_with(stack))
        request = Request(f"http://any.test:{server.port}/")
        for _ in range(2):
            exchange = transport.lend()
            exchange.perform(request, 10.0, Pin(f"any.test:{server.port}", OPEN))
            transport.give_back(exchange)
            gevent.sleep(0)
    assert (exchange.status, len(server.heads)) == (200, 3)
