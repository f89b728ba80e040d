"""Redirects against scripted servers: which are followed, what they cost, where they end."""

from __future__ import annotations

from typing import Any

from fetcher.model import Outcome, Result
from support.fetching import fetch
from support.scripted import Script, answer, head, scripted

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


BAD_TARGETS = (
    "http://a..b/",
    f"http://{'a' * 64}.invalid/",
    "http://[::1/",
    "http://host:99999/",
    "http://host:0/",
    "http://user:pw@host/",
)


def test_a_hop_to_what_is_no_url_is_the_servers_fault() -> None:
    for target in BAD_TARGETS:
        result, _ = one(Script(moved(f"Location: {target}")))
        assert (result.outcome, result.status) == (Outcome.PROTOCOL, 302), result
        assert (result.error or "").startswith("redirected to what is no URL: "), result
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
