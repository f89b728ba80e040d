"""Redirects against scripted servers: which are followed, what they cost, where they end."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from fetcher.fetch.failures import Failure
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.head import notable_of
from fetcher.model import Outcome, Result
from support.fetching import fetch
from support.scripted import Asked, Script, answer, head, scripted

GOOD = Script(answer(b"good"), end="keep")


def moved(*lines: str, body: bytes = b"") -> bytes:
    return answer(body, *lines, status="302 Found")


def one(script: Script, **http: Any) -> tuple[Result, str]:
    """The result, and the URL of the good page."""
    with scripted({"/": script, "/good": GOOD}) as server:
        (result,) = fetch([server.url("/")], **{"total_timeout_s": 10.0, **http}).results
        return result, server.url("/good")


def test_an_empty_location_leads_nowhere_and_the_answer_is_final() -> None:
    for location in ("Location:", "Location:   "):
        result, _ = one(Script(moved(location, body=b"here")))
        assert (result.outcome, result.status, result.body_bytes) == (Outcome.OK, 302, 4)
        assert result.redirects == ()


def test_a_location_in_utf8_may_end_in_a_byte_that_is_a_space_in_latin1() -> None:
    for path, sent in (("/voilà", "/voil%C3%A0"), ("/дух", "/%D0%B4%D1%83%D1%85")):
        moves = Script(moved(f"Location: {path}".encode().decode("latin-1")))
        with scripted({"/": moves, sent: GOOD}) as server:
            (result,) = fetch([server.url("/")], total_timeout_s=10.0).results
            assert result.final_url == server.url(sent)


BAD_TARGETS = (
    "http://a..b/",
    f"http://{'a' * 64}.invalid/",
    "http://[::1/",
    "http://host:99999/",
    "http://host:0/",
    "http://user:pw@host/",
)


def test_a_hop_to_a_text_that_is_not_a_url_is_the_servers_fault() -> None:
    for target in BAD_TARGETS:
        result, _ = one(Script(moved(f"Location: {target}")))
        assert (result.outcome, result.status) == (Outcome.PROTOCOL, 302), result
        assert (result.error or "").startswith("redirected to something that is not a URL: "), (
            result
        )
        assert "\n" not in (result.error or "")


def test_the_last_url_that_answered_is_the_final_one() -> None:
    result, good = one(Script(moved("Location: /good")))
    assert (result.final_url, result.status) == (good, 200)
    with scripted({"/": Script(moved("Location: http://127.0.0.1:1/x"))}) as server:
        url = server.url("/")
        (lost,) = fetch([url]).results
    assert (lost.outcome, lost.status, lost.final_url) == (Outcome.CONNECT, 302, url)
    assert lost.redirects == ("http://127.0.0.1:1/x",)


def test_a_redirects_body_costs_half_a_second_at_most() -> None:
    location = "Location: /good"
    bodies = {
        "silent": Script(head(location, "Content-Length: 9", status="302 Found"), end="hang"),
        "cut": Script(head(location, "Content-Length: 9", status="302 Found") + b"abc"),
        "reset": Script(head(location, "Content-Length: 9", status="302 Found"), end="reset"),
        "malformed": Script(
            head(location, "Transfer-Encoding: chunked", status="302 Found") + b"zz\r\n"
        ),
        "endless": Script(head(location, status="302 Found"), endless=bytes(1000)),
        "dripping": Script(
            head(location, status="302 Found"), *(step for _ in range(60) for step in (b"x", 0.05))
        ),
    }
    for name, script in bodies.items():
        result, good = one(script)
        assert (result.outcome, result.final_url) == (Outcome.OK, good), (name, result)
        assert result.timings_ms and (result.timings_ms.total or 0) < 1500, name


def test_the_deadline_holds_while_a_redirects_body_is_read() -> None:
    stalled = Script(head("Location: /", "Content-Length: 9", status="302 Found"), end="hang")
    result, _ = one(stalled, total_timeout_s=0.7, max_redirects=100)
    assert result.outcome is Outcome.TIMEOUT
    assert "http.total_timeout_s" in (result.error or "")


def test_a_short_redirect_keeps_its_connection() -> None:
    with scripted(
        {"/": Script(moved("Location: /good", body=b"x"), end="keep"), "/good": GOOD}
    ) as s:
        (result,) = fetch([s.url("/")]).results
        assert (result.outcome, s.connections) == (Outcome.OK, 1)


# What a server sends as Location, and the request target that a browser asks for then.
LOCATIONS = [
    (b"/a b", b"/a%20b"),
    (b"/\xc3\xbc?\xc3\xbc", b"/%C3%BC?%C3%BC"),
    (b"/\xfc?\xfc", b"/%FC?%FC"),
    (b"/\xfc/%zz%c3", b"/%FC/%zz%c3"),
    (b"\\a\\b", b"/a/b"),
    (b"/x/%2e%2E/y", b"/y"),
    (b"?d=100%&n=caf%c3%a9", b"/from?d=100%&n=caf%c3%a9"),
    (b"/ta\tb", b"/tab"),
    (b"http:good", b"/good"),
    (b"/x?", b"/x?"),
    (b"/x?#f", b"/x?"),
]


def test_a_location_leads_where_a_browser_goes() -> None:
    def script(asked: Asked) -> Script:
        number = asked.path.removeprefix("/from?case=")
        if not number.isdigit():
            return GOOD
        line = b"Location: %s\r\nContent-Length: 0" % LOCATIONS[int(number)][0]
        return Script(b"HTTP/1.1 302 Found\r\n%s\r\n\r\n" % line, end="keep")

    with scripted(defaultdict(lambda: script)) as server:
        urls = [server.url(f"/from?case={number}") for number in range(len(LOCATIONS))]
        results = fetch(urls, pool=1).results
    assert [(result.outcome, len(result.redirects)) for result in results] == [
        (Outcome.OK, 1) for _ in LOCATIONS
    ]
    sent = [head.split(b" ")[1] for head in server.heads]
    assert sent[1::2] == [target for _, target in LOCATIONS]


def test_a_host_in_a_location_is_never_the_path_of_the_own_host() -> None:
    with scripted({"/x": GOOD}) as other:
        for slashes in ("http:///", "///", "//", "\\\\", "http:\\\\"):
            result, _ = one(Script(moved(f"Location: {slashes}127.1:{other.port}/x")))
            assert result.outcome is Outcome.OK, (slashes, result)
            assert result.final_url == other.url("/x")


def test_the_same_location_twice_is_one() -> None:
    result, good = one(Script(moved("Location: /good", "Location:", "location: /good")))
    assert (result.outcome, result.final_url) == (Outcome.OK, good)


def test_locations_that_differ_are_a_fault_of_the_server() -> None:
    # Newer libcurls see it first, and then there is no status.
    result, _ = one(Script(moved("Location: /good", "Location: /other")))
    assert (result.outcome, result.redirects) == (Outcome.PROTOCOL, ())
    assert "Location headers" in (result.error or "")
    with pytest.raises(Failure, match="2 Location headers that differ"):
        redirects.location_of(notable_of([("Location", "/a"), ("Vary", "x"), ("location", "/b")]))
    same = notable_of([("Location", "/a"), ("location", ""), ("LOCATION", "/a")])
    assert redirects.location_of(same) == "/a"


@pytest.mark.parametrize(
    ("page", "location", "final"),
    [
        ("/#top", "/good", "/good#top"),
        ("/#top", "/good#end", "/good#end"),
        ("/#top", "/good#", "/good#"),
        ("/", "/good#end", "/good#end"),
    ],
)
def test_a_fragment_goes_on_where_the_location_has_none(
    page: str, location: str, final: str
) -> None:
    with scripted({"/": Script(moved(f"Location: {location}")), "/good": GOOD}) as server:
        (result,) = fetch([server.url(page)]).results
        assert result.final_url == server.url(final)
