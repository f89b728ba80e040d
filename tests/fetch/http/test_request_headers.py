"""Headers of a request: all of them are sent, in order, and none of their characters is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fetcher.fetch.header_text import merged, shown, shown_headers, to_wire
from fetcher.model import Outcome, Result
from support import jobs
from support.fetching import fetch
from support.keeping import Kept
from support.scripted import Asked, Script, ScriptedServer, answer, scripted

OK = Script(answer(b"ok"), end="keep")
TWICE = [["X-A", "1"], ["X-B", "中文"], ["X-A", "2"], ["x-a", "3"]]
SENT = [b"X-A: 1", "X-B: 中文".encode(), b"X-A: 2", b"x-a: 3"]


def lines(head: bytes, *names: str) -> list[bytes]:
    """The header lines with these names, as they were sent."""
    wanted = {name.encode() for name in names}
    return [line for line in head.split(b"\r\n") if line.partition(b":")[0].lower() in wanted]


def ask(request: dict[str, Any], **http: Any) -> tuple[list[bytes], Result]:
    """The heads that a request for / came with, and its row."""
    with scripted({"/": OK}) as server:
        (row,) = fetch([{"url": server.url("/"), **request}], **http).results
        return server.heads, row


# -- requests --------------------------------------------------------------------------------


def test_a_header_given_more_than_once_is_sent_as_often_in_its_order() -> None:
    (head,), row = ask({"headers": TWICE})
    assert row.outcome is Outcome.OK
    assert lines(head, "x-a", "x-b") == SENT


def test_a_lines_headers_take_the_place_of_the_settings_and_these_of_the_defaults() -> None:
    settings = ["X-A: of all", "X-C: é", "X-C: 2", "Accept: a/b", "Accept: c/d"]
    (head,), _ = ask({"headers": TWICE}, headers=settings)
    assert lines(head, "x-a", "x-b", "x-c") == [b"X-C: \xc3\xa9", b"X-C: 2", *SENT]
    assert lines(head, "accept", "user-agent") == [
        b"User-Agent: fetcher/0.1 (bulk URL fetcher)",
        b"Accept: a/b",
        b"Accept: c/d",
    ]


@pytest.mark.parametrize("auth", ["none", "digest"])
def test_an_auth_object_costs_no_header(auth: str) -> None:
    (head, *_), row = ask({"headers": TWICE, "method": "PUT"}, auth=f"support.auths:{auth}")
    assert row.outcome is Outcome.OK
    # Those of one name go together: requests holds them as one.
    assert lines(head, "x-a") == [b"X-A: 1", b"X-A: 2", b"x-a: 3"]
    assert lines(head, "x-b") == [SENT[1]]


def test_they_go_with_redirects_of_the_origin_and_with_each_attempt(tmp_path: Path) -> None:
    def busy(asked: Asked) -> Script:
        return Script(answer(b"", status="503 Busy")) if len(server.asked) == 1 else moved

    moved = Script(answer(b"", "Location: /end", status="302 Found"), end="keep")
    urls, out = tmp_path / "urls.jsonl", tmp_path / "out"
    with scripted({"/": busy, "/end": OK}) as server:
        urls.write_text(json.dumps({"url": server.url("/"), "headers": TWICE}), "utf-8")
        options = ("output.bodies=warc", "retry.attempts=2", "retry.backoff_s=0.01")
        quick = ("polite.rest_s=0.01", "worker.processes=1")
        done = jobs.call("run", urls, "-o", out, *(f"--set={each}" for each in options + quick))
        assert done.returncode == 0, done.stderr
        paths = [asked.path for asked in server.asked]
        heads = [lines(head, "x-a", "x-b") for head in server.heads]
    assert (paths, heads) == (["/", "/", "/end"], [SENT] * 3)
    (records,) = Kept(out).by_line.values()
    requests = [each.block for each in records if each.kind == "request"]
    assert [lines(block, "x-a", "x-b") for block in requests] == [SENT] * 2


# -- answers ---------------------------------------------------------------------------------

RAW = "Bücher".encode() + b".pdf"
LATIN = b"B\xfccher.pdf"


def test_response_headers_are_shown_as_utf8_where_they_are_that_and_else_as_latin1() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-U: " + RAW + b"\r\nX-L: " + LATIN + b"\r\n" + RAW + b": n\r\n"
    head += b"Content-Type: text/x; name=" + RAW + b"\r\nContent-Length: 0\r\n\r\n"
    with scripted({"/": Script(head)}) as server:
        (row,) = fetch([server.url("/")]).results
    named = dict(row.headers)
    assert (named["X-U"], named["X-L"]) == ("Bücher.pdf", "Bücher.pdf")
    assert named["Bücher.pdf"] == "n"
    assert row.content_type == "text/x; name=Bücher.pdf"


def test_what_a_server_sent_goes_back_to_it_as_the_same_bytes() -> None:
    def moving(server: ScriptedServer) -> Script:
        cookies = b"Set-Cookie: u=" + RAW + b"\r\nSet-Cookie: l=" + LATIN + b"\r\n"
        head = b"HTTP/1.1 302 Found\r\n" + cookies + b"Location: /" + RAW + b"\r\n"
        return Script(head + b"Content-Length: 0\r\n\r\n", end="keep")

    with scripted({"/": lambda _: moving(server), "/B%C3%BCcher.pdf": OK}) as server:
        (row,) = fetch([server.url("/")]).results
        assert row.outcome is Outcome.OK
        sent = lines(server.heads[1], "cookie")
    assert sent == [b"Cookie: u=" + RAW + b"; l=" + LATIN]


# -- the text itself -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "plain", "é", "中文", "\x80", "😀"])
def test_text_is_shown_again_as_it_was_given(text: str) -> None:
    wire = to_wire(text)
    assert wire.encode("latin-1") == text.encode("utf-8")
    assert shown(wire) == text


def test_lone_surrogates_are_escaped_and_bytes_that_are_not_utf8_are_latin1() -> None:
    assert to_wire("a\ud800") == "a\\ud800"
    assert shown("\xfc") == "ü"
    assert shown("\xfc\xc3\xa9") == "üÃ©"


def test_plain_headers_are_not_copied() -> None:
    plain = [("A", "b"), ("C", "d")]
    assert shown_headers(plain) is plain


def test_given_headers_replace_those_of_their_names() -> None:
    assert merged([("A", "1"), ("b", "2")], []) == (("A", "1"), ("b", "2"))
    given = [("B", "3"), ("b", "4"), ("c", "5")]
    assert merged([("A", "1"), ("b", "2")], given) == (("A", "1"), *given)
