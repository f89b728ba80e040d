"""An exchange as it was on the wire."""

from __future__ import annotations

from fetcher.fetch.body.capture import Capture

HEAD = b"POST /a HTTP/1.1\r\nHost: a.test\r\nX-Token: s\r\nAccept: */*\r\n\r\n"


def test_the_request_is_its_head_and_its_body() -> None:
    capture = Capture("http://a.test/a", 1.0)
    capture.note_sent(HEAD)
    capture.end(b"body", "10.0.0.1")
    assert (capture.request, capture.remote_ip) == (HEAD + b"body", "10.0.0.1")


def test_a_long_head_comes_in_parts() -> None:
    capture = Capture("http://a.test/a", 1.0)
    capture.note_sent(HEAD[:10])
    capture.note_sent(HEAD[10:])
    capture.end(None, None)
    assert capture.request == HEAD


def test_the_last_head_counts() -> None:
    capture = Capture("https://a.test/a", 1.0)
    capture.note_sent(b"CONNECT a.test:443 HTTP/1.1\r\n\r\n")
    capture.note_sent(HEAD)
    capture.end(b"", None)
    assert capture.request == HEAD


def test_a_request_that_is_sent_again_is_kept_once() -> None:
    capture = Capture("http://a.test/a", 1.0)
    capture.note_sent(HEAD[:10])
    capture.rewind()
    capture.note_sent(HEAD)
    capture.end(b"body", None)
    assert capture.request == HEAD + b"body"


def test_headers_of_a_log_in_are_left_out_and_others_stay_as_they_were() -> None:
    capture = Capture("http://a.test/a", 1.0, frozenset({"x-token"}))
    capture.note_sent(HEAD)
    capture.end(b"X-Token: in the body", None)
    expected = HEAD.replace(b"X-Token: s\r\n", b"") + b"X-Token: in the body"
    assert capture.request == expected


def test_a_request_that_was_not_sent_has_no_body() -> None:
    capture = Capture("http://a.test/a", 1.0)
    capture.end(b"body", None)
    assert capture.request == b""


def test_the_body_is_what_came_in_pieces() -> None:
    capture = Capture("http://a.test/a", 1.0)
    capture.pieces += [b"a", b"", b"b"]
    assert capture.body == b"ab"
