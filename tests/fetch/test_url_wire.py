"""What goes over the wire is what the Target says: request target and host, byte for byte."""

# ruff: noqa: RUF001

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from fetcher.fetch.urls import NoUrlError, request_target, target_of
from fetcher.model import Outcome, Result
from fetcher.web_urls import Target
from support.fetching import fetch
from support.names import at, name_server
from support.scripted import Script, ScriptedServer, answer, scripted
from support.secure import context_of, http2_server
from support.url_standard import cases, hosts
from tools.certificates import Authority

LIMIT = 32_768
GOOD = Script(answer(b"good"), end="keep")
ALL = {"allow": ["0.0.0.0/0", "::/0"]}
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

# Paths and queries; a host and a port come in front.
PATHS = [
    "/",
    "?q",
    "/?",
    "/x?#f",
    "/x#f?y",
    f"/{VISIBLE}",
    f"/?{VISIBLE.replace('#', '')}",
    "/a b|{c}\"d'e^f`g<h>i\\j[k]l",
    "/?a b|{c}\"d'e^f`g<h>i\\j[k]l",
    "/%00%zz%E0%A4%A%2f%2F%7e?%00%u4e2d%7e%7E%",
    "/caf%c3%a9?discount=100%&n=caf%c3%a9",
    "/caf%C3%A9?n=caf%C3%A9",
    "//a//b/",
    "/a/%2e%2e%2fb/%2E/...",
    "/a;b/../c;d",
    "/?u=http://b/../c/./d",
    "/@x:y@z:80",
    "/a%20b%0d%0aX:%20y?%0A",
    "/ü/é?ü#é",
    "/" + "long%c3/" * 3000,
    "/?" + "q%7e=" * 5000,
]
HOSTS = [
    "h.test",
    "H.TEST",
    "h.test.",
    "127.1",
    "0x7f000001",
    "a_b.test",
    "-a-.test",
    "münchen.test",
]
HOSTS += [
    "ｍｕｎ.test",
    "例え。テスト",
    "😀.test",
    "[::ffff:7f00:1]",
    "[::FFFF:127.0.0.1]",
    "1e3.test",
]

PIECES = """http:// http:/ http: HTTP:\\ http://// @ : / \\ ? # a.b 127.0.0.1 0x7f.1 127.1 [::1] [::
 ::1] .. . %2e %2f %5c %23 %3f %40 %00 %5b :80 :81 :080 :0 é 。 ／ ＠ ： ＃ ？ ﹖ ₀ ① ｘ ß 😀 xn--a
 xn--mnchen-3ya u:p@ u@ | ^ ` { } " ' < > ; , & = + ! $ * ( ) ~ _ - 1 08 0x"""


def target_or_none(text: str) -> Target | None:
    try:
        return target_of(text, LIMIT)
    except NoUrlError:
        return None


def host_header(target: Target) -> bytes:
    """The `host` of the standard."""
    usual = {"http": 80, "https": 443}[target.scheme] == target.port
    host = f"[{target.host}]" if ":" in target.host else target.host
    return (host if usual else f"{host}:{target.port}").encode()


def seen(server: ScriptedServer) -> list[tuple[bytes, bytes]]:
    """Request target and Host of each request."""
    found = []
    for head in server.heads:
        first, *lines = head.split(b"\r\n")
        (host,) = [line.removeprefix(b"Host: ") for line in lines if line.startswith(b"Host: ")]
        assert first.startswith(b"GET ")
        assert first.endswith(b" HTTP/1.1")
        found.append((first[4:-9], host))
    return found


def fetched(urls: list[str], **http: Any) -> list[Result]:
    """Their results, in their order."""
    zone = {("*", "A"): [at("127.0.0.1", ttl=60)]}
    with name_server(zone) as names:
        sections = {"guard": ALL, "dns": {"servers": [f"127.0.0.1:{names.port}"]}}
        return fetch(urls, pool=1, sections=sections, max_url_bytes=LIMIT, **http).results


def test_what_a_server_gets_is_the_target() -> None:
    with scripted(defaultdict(lambda: GOOD)) as server:
        urls = [f"http://h.test:{server.port}{path}" for path in PATHS]
        urls += [f"http://{host}:{server.port}/%7e" for host in HOSTS]
        results = fetched(urls)
    assert {result.outcome for result in results} == {Outcome.OK}
    targets = [target_of(url, LIMIT) for url in urls]
    assert seen(server) == [
        (request_target(target.url).encode(), host_header(target)) for target in targets
    ]


def test_what_a_server_gets_over_http2_is_the_target(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        # A longer head would need frames that the server is not asked to take.
        urls = [f"https://127.0.0.1:{port}{path}" for path in PATHS if len(path) < 1000]
        results = fetched(urls, ca_file=str(authority.ca_file))
    assert {(result.outcome, result.http_version) for result in results} == {(Outcome.OK, "2")}
    paths = [dict(result.headers)["x-path"] for result in results]
    assert paths == [request_target(target_of(url, LIMIT).url) for url in urls]


def test_what_a_proxy_gets_is_the_target_for_all_of_the_standards_own_cases() -> None:
    found = [*cases(), *hosts()]
    texts = [case.text for case in found] + [case.url for case in found if case.url]
    texts += [f"http://h.test:81{path}" for path in PATHS]
    http = [text.replace("https:", "http:") for text in texts if text.isprintable()]
    check_by_proxy(list(dict.fromkeys(http)), least=300)


def test_libcurl_and_we_see_the_same_host_in_whatever_is_thrown_at_us() -> None:
    chance = random.Random(7)
    texts = [
        "http://" + "".join(chance.choices(PIECES.split(), k=chance.randint(1, 5))) + "/p?q"
        for _ in range(1500)
    ]
    check_by_proxy(texts, least=200)


def check_by_proxy(texts: list[str], least: int) -> None:
    """Each text is either refused, or asked of a proxy for just the target that we make of it."""
    targets = [target for text in texts if (target := target_or_none(text)) is not None]
    assert len(targets) >= least
    with scripted(defaultdict(lambda: GOOD)) as proxy:
        results = fetched(texts, proxy=f"http://127.0.0.1:{proxy.port}")
    outcomes = [result.outcome for result in results]
    assert outcomes.count(Outcome.OK) == len(targets)
    assert set(outcomes) == {Outcome.OK, Outcome.INVALID_URL}
    assert seen(proxy) == [
        (target.url.partition("#")[0].encode(), host_header(target)) for target in targets
    ]
