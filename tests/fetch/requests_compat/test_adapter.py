"""A few hundred requests of every kind over requests' own adapter and over ours: the same is seen.

What differs on purpose is listed in DIFFERENT, with the reason.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.echo import PASSWORD, USER, echo_server
from support.jobs import ENV, ROOT

Case = dict[str, Any]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HOW_PACKED = ("gzip", "deflate", "raw-deflate", "two-members", "unknown", "damaged", "identity")
BODIES: tuple[dict[str, Any], ...] = (
    {"data": "text"},
    {"data": {"a": "1", "b": "é"}},
    {"json": {"a": [1, 2]}},
    {"files": {"f": ["name.txt", "content"]}},
    {"data": ""},
    {"data": "x" * 100_000},
)
HEADERS: tuple[dict[str, Any], ...] = (
    {"X-One": "1"},
    {"User-Agent": "me"},
    {"Accept": "text/plain"},
    {"Accept-Encoding": "identity"},
    {"X-Empty": ""},
    {"X-Latin": "é".encode("latin-1").decode("latin-1")},
    {"Cookie": "own=1"},
    {"Authorization": "Bearer x"},
)
PATHS = (
    "/echo/a b",
    "/echo/é",
    "/echo/%7Ea%2Fb",
    "/echo/./x/../y",
    "/echo?q=a b&é=1",
    "/echo?a=%20",
    "/echo;p?x#part",
    "/echo//double",
    "/echo/%zz",
    "/echo?",
    "/echo/:colon@at",
)
RAW = (
    "HTTP/1.1 200 OK|Content-Length: 2||ok",
    "HTTP/1.0 200 OK||to the end",
    "HTTP/1.1 200|Content-Length: 0||",
    "HTTP/1.1 103 Early Hints|Link: x||HTTP/1.1 200 OK|Content-Length: 0||",
    "HTTP/1.1 204 No Content||",
    "garbage||",
    "HTTP/1.1 abc Huh||",
    "HTTP/1.1 200 OK|Content-Length: x||",
    "HTTP/1.1 200 OK|Content-Length: -5||hello",
    "HTTP/1.1 200 OK|No colon here|Content-Length: 2||ok",
    "HTTP/1.1 200 OK|Content-Type: text/html; charset=latin1|Content-Length: 1||\\xe9",
    "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hel",
    "HTTP/1.1 200 OK|Transfer-Encoding: chunked||zz|",
    "HTTP/1.1 200 OK|Link: <http://a.b/>; rel=next|Content-Length: 0||",
    "HTTP/1.1 200 OK|Set-Cookie: c=1; Domain=elsewhere.test|Content-Length: 0||",
)  # "|" is a line end
# Of the URL or what is asked -> why it differs.
DIFFERENT = {
    ("HEAD", "data"): "a HEAD's body is not sent: libcurl cannot, and no server wants it",
    ("GET", "103%20Early"): "the stock adapter takes an interim answer for the answer",
    ("GET", "Content-Length%3A%20x"): "a malformed Content-Length is an error, not an empty body",
    ("GET", "Content-Length%3A%20-5"): "a malformed Content-Length is an error",
    ("GET", "No%20colon"): "a header without a colon is an error; the stock one drops the rest",
    ("GET", "a..b"): "an exception of urllib3's escapes from the stock adapter's Session",
}


def _is_meant(case: Case) -> bool:
    text = json.dumps(case)
    return any(case["method"] == method and word in text for method, word in DIFFERENT)


def _cases(base: str, other: str) -> Iterator[Case]:
    yield from _plain(base)
    yield from _headers_and_paths(base, other)
    yield from _auth_and_cookies(base)
    yield from _redirects(base, other)
    yield from _trouble(base)


def _plain(base: str) -> Iterator[Case]:
    for method in METHODS:
        yield {"method": method, "url": f"{base}/echo"}
        yield {"method": method, "url": f"{base}/echo", "with": {"params": {"a": "1", "b": "é x"}}}
        for code in (200, 201, 204, 304, 400, 404, 418, 500, 503):
            yield {"method": method, "url": f"{base}/status?code={code}"}
        for code in (301, 302, 303, 307, 308):
            yield {"method": method, "url": f"{base}/redirect?code={code}", "with": {"data": "x"}}
    for method, body in itertools.product(("POST", "PUT", "GET"), BODIES):
        yield {"method": method, "url": f"{base}/echo", "with": body}
    yield {"method": "POST", "url": f"{base}/echo", "generator": ["one", "two", "three"]}


def _headers_and_paths(base: str, other: str) -> Iterator[Case]:
    for headers in HEADERS:
        yield {"method": "GET", "url": f"{base}/echo", "with": {"headers": headers}}
        yield {
            "method": "GET",
            "url": f"{base}/redirect?to={quote(other + '/echo')}",
            "with": {"headers": headers},
        }
        yield {"method": "GET", "url": f"{base}/echo", "session_headers": headers}
    for path in PATHS:
        yield {"method": "GET", "url": base + path}
    for how, method in itertools.product(HOW_PACKED, ("GET", "HEAD")):
        yield {"method": method, "url": f"{base}/packed?how={how}"}


def _auth_and_cookies(base: str) -> Iterator[Case]:
    for auth, page in itertools.product(("HTTPBasicAuth", "HTTPDigestAuth"), ("basic", "digest")):
        for password in (PASSWORD, "wrong"):
            yield {"method": "GET", "url": f"{base}/{page}", "auth": [auth, USER, password]}
    yield {
        "method": "POST",
        "url": f"{base}/digest",
        "auth": ["HTTPDigestAuth", USER, PASSWORD],
        "with": {"data": "x"},
    }
    yield {"method": "GET", "url": f"{base}/set-cookie"}
    yield {"method": "GET", "url": f"{base}/set-cookie?to=/echo"}
    yield {"method": "GET", "url": f"{base}/echo", "before": [f"{base}/set-cookie"]}
    yield {"method": "GET", "url": f"{base}/echo", "cookies": {"mine": "1"}}
    yield {"method": "GET", "url": f"{base}/echo", "with": {"cookies": {"mine": "1"}}}


def _redirects(base: str, other: str) -> Iterator[Case]:
    for to in (
        "/echo",
        "echo",
        "?x",
        "//127.0.0.1:1/",
        "/redirect?to=/redirect",
        "/é",
        "/a%20b",
        "",
        "ftp://x.invalid/",
        "http://[::1",
        other + "/echo",
        "#part",
        "/set-cookie",
    ):
        yield {"method": "GET", "url": f"{base}/redirect?to={quote(to)}"}
        yield {
            "method": "GET",
            "url": f"{base}/redirect?to={quote(to)}",
            "with": {"allow_redirects": False},
        }
    yield {"method": "GET", "url": f"{base}/no-location"}


def _trouble(base: str) -> Iterator[Case]:
    yield {"method": "GET", "url": f"{base}/echo", "hook": True}
    yield {"method": "GET", "url": f"{base}/echo", "stream": True}
    for page in ("chunked", "short", "close"):
        yield {"method": "GET", "url": f"{base}/{page}"}
    yield {"method": "GET", "url": f"{base}/never?s=3", "with": {"timeout": 0.5}}
    for answer in RAW:
        wire = answer.replace("|", "\\r\\n")
        yield {"method": "GET", "url": f"{base}/raw?bytes={quote(wire)}"}
    for url in (
        "http://127.0.0.1:1/",
        "http://nowhere.invalid/",
        "http://a..b/",
        "http://",
        "x://y/",
        "nothing",
        "http://[::1/",
        base.replace("http:", "https:") + "/",
    ):
        yield {"method": "GET", "url": url}


@pytest.fixture(scope="module")
def compared() -> list[tuple[Case, dict[str, Any], dict[str, Any]]]:
    with echo_server() as base, echo_server() as other:
        cases = list(_cases(base, other))
        done = subprocess.run(
            [sys.executable, "-m", "support.differing_main"],
            input=json.dumps(cases).encode(),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=ENV,
            timeout=120,
            check=True,
        )
    return [(case, *pair) for case, pair in zip(cases, json.loads(done.stdout), strict=True)]


def test_what_is_seen_over_our_adapter_is_what_is_seen_over_the_stock_one(
    compared: list[tuple[Case, dict[str, Any], dict[str, Any]]],
) -> None:
    assert len(compared) > 240
    for case, stock, ours in compared:
        if not _is_meant(case):
            assert ours == stock, case


def test_each_listed_difference_is_still_one(
    compared: list[tuple[Case, dict[str, Any], dict[str, Any]]],
) -> None:
    for method, word in DIFFERENT:
        met = [
            stock != ours
            for case, stock, ours in compared
            if case["method"] == method and word in json.dumps(case)
        ]
        assert any(met), f"{method} {word}: no longer differs"
