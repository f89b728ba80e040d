"""Where a body ends, when a TLS server closes the connection without saying so (close_notify)."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from support.fetching import fetch
from support.scripted import Script, chunked, head, scripted, self_signed
from support.secure import context_of, http2_server
from tools.certificates import Authority

PAGE = b"<p>whole page</p>"
CHUNKED = head("Transfer-Encoding: chunked")


def over_tls(scripts: dict[str, Script], path: Path) -> dict[str, Result]:
    """The result of each script, played by a server that never sends close_notify."""
    with scripted(scripts, self_signed(path)) as server:
        urls = [server.url(each) for each in scripts]
        done = fetch(urls, pool=1, verify_tls=False, http2=False)
        return {each: done.by_url[server.url(each)] for each in scripts}


def test_a_body_that_only_the_end_of_the_connection_ends_is_whole(tmp_path: Path) -> None:
    results = over_tls(
        {
            "/unframed": Script(head("Connection: close") + PAGE),
            "/1.0": Script(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE),
            "/identity": Script(head("Transfer-Encoding: identity") + PAGE),
        },
        tmp_path,
    )
    for path, result in results.items():
        assert (result.outcome, result.body_bytes) == (Outcome.OK, len(PAGE)), path
        assert result.sha256 and result.error is None
    empty = over_tls({"/": Script(head("Connection: close"))}, tmp_path)["/"]
    assert (empty.outcome, empty.body_bytes) == (Outcome.OK, 0)


LONG = b"Transfer-Encoding: identity\r\nContent-Length: 9\r\n"
IDENTITY = "Transfer-Encoding: identity"
COUNTED = {
    "/identity": Script(head(IDENTITY, f"Content-Length: {len(PAGE)}") + PAGE, end="hang"),
    "/none": Script(head("Transfer-Encoding:", f"Content-Length: {len(PAGE)}") + PAGE, end="hang"),
    "/pieces": Script(
        head(IDENTITY, f"Content-Length: {len(PAGE)}") + PAGE[:5], 0.1, PAGE[5:], end="hang"
    ),
    "/more": Script(head(IDENTITY, f"Content-Length: {len(PAGE)}") + PAGE + b"more", end="hang"),
}


@pytest.mark.parametrize("capture", [False, True])
def test_a_body_of_another_transfer_encoding_ends_where_its_length_says(capture: bool) -> None:
    empty = Script(head(IDENTITY, "Content-Length: 0"), end="hang")
    with scripted({**COUNTED, "/empty": empty}) as server:
        done = fetch([server.url(path) for path in (*COUNTED, "/empty")], capture=capture)
        results = {path: done.by_url[server.url(path)] for path in (*COUNTED, "/empty")}
    assert done.took_s < 30
    assert results.pop("/empty").body_bytes == 0
    for path, result in results.items():
        assert (result.outcome, result.body_bytes) == (Outcome.OK, len(PAGE)), path
        assert result.sha256, path


def test_an_answer_without_a_body_has_no_length_to_come_to() -> None:
    without = {
        "/304": Script(b"HTTP/1.1 304 Not Modified\r\n" + LONG + b"\r\n"),
        "/204": Script(b"HTTP/1.1 204 No Content\r\n" + LONG + b"\r\n"),
    }
    with scripted({**without, "/head": Script(head(IDENTITY, "Content-Length: 9"))}) as server:
        results = fetch([server.url(path) for path in without]).results
        results += fetch([server.url("/head")], method="HEAD").results
    assert [result.error for result in results] == [None, None, None]


def test_a_body_of_another_transfer_encoding_is_cut_before_its_length() -> None:
    script = Script(head(IDENTITY, "Content-Length: 99") + PAGE)
    with scripted({"/": script}) as server:
        (result,) = fetch([server.url("/")]).results
    assert (result.outcome, result.body_bytes) == (Outcome.PROTOCOL, len(PAGE))
    assert result.error == f"the body broke off, {99 - len(PAGE)} bytes are missing"


CUT = {
    "/length": Script(head(f"Content-Length: {len(PAGE) + 1}") + PAGE),
    "/odd-length": Script(head("Content-Length: 99", "Transfer-Encoding: identity") + PAGE),
    "/chunk": Script(CHUNKED + b"fff\r\n" + PAGE),
    "/chunks": Script(CHUNKED + chunked(PAGE)[:-5]),
    "/reset": Script(head("Connection: close") + PAGE, 0.1, end="reset"),
}


def test_a_body_that_its_head_says_more_of_is_cut(tmp_path: Path) -> None:
    for path, result in over_tls(CUT, tmp_path).items():
        assert (result.outcome, result.status) == (Outcome.PROTOCOL, 200), path
        assert (result.body_bytes, result.sha256) == (len(PAGE), None), path


def test_a_malformed_chunk_is_not_called_a_broken_connection() -> None:
    bad = {"/size": b"zz\r\n", "/long": b"f" * 18 + b"\r\n", "/end": b"1\r\nabc\r\n"}
    scripts = {path: Script(CHUNKED + b"4\r\nkept\r\n" + rest) for path, rest in bad.items()}
    with scripted(scripts) as server:
        results = fetch([server.url(path) for path in bad]).results
    for result in results:
        assert result.error == "the chunked body is malformed"
        assert (result.body_bytes or 0) >= len("kept")


def test_an_answer_that_ends_in_its_head_is_none(tmp_path: Path) -> None:
    result = over_tls({"/": Script(b"HTTP/1.1 200 OK\r\nServer: s\r\n")}, tmp_path)["/"]
    assert (result.outcome, result.status) == (Outcome.PROTOCOL, None)


def test_an_answer_over_http2_is_whole_once_its_length_has_come(tmp_path: Path) -> None:
    with http2_server(context_of(*Authority(tmp_path).issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/all-but-the-end"
        (result,) = fetch([url], verify_tls=False).results
    assert (result.outcome, result.body_bytes) == (Outcome.OK, 4), result.error
    assert result.sha256


@pytest.mark.parametrize("path", ["/cut", "/cut-length", "/reset"])
def test_a_stream_of_http2_says_itself_where_it_ends(tmp_path: Path, path: str) -> None:
    with http2_server(context_of(*Authority(tmp_path).issue(["127.0.0.1"]))) as port:
        (result,) = fetch([f"https://127.0.0.1:{port}{path}"], verify_tls=False).results
    assert result.outcome is Outcome.PROTOCOL
    assert result.sha256 is None
