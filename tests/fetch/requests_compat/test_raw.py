"""The raw side of a response: urllib3's own class on a body of ours."""

from __future__ import annotations

import gzip
import io

import pytest
import requests
import urllib3
from msgspec.structs import replace

from fetcher.fetch.body.decoding import decoder_for
from fetcher.fetch.failures import Failure
from fetcher.fetch.requests_compat import raw
from fetcher.fetch.requests_compat.errors import TooLargeError
from fetcher.fetch.requests_compat.raw import Raw, decoded_response
from fetcher.fetch.transfer.message import NO_ANSWER
from fetcher.settings.schema import Http

PLAIN = bytes(range(256)) * 40
PACKED = gzip.compress(PLAIN)
MB = 1024 * 1024


def raw_of(body: bytes, *headers: tuple[str, str], version: str = "1.1", **limits: int) -> Raw:
    answer = replace(NO_ANSWER, status=200, headers=list(headers), http_version=version)
    http = Http(**limits)  # type: ignore[arg-type]
    return Raw(io.BytesIO(body), lambda: answer, "OK", "GET", "http://a.test/", http)


GZIP = ("Content-Encoding", "gzip")


def test_bytes_are_as_received_unless_decoding_is_asked_for() -> None:
    assert raw_of(PACKED, GZIP).read(decode_content=False) == PACKED
    assert raw_of(PACKED, GZIP).read(decode_content=True) == PLAIN


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_a_packed_body_is_read_whole_in_parts_of_any_size(size: int) -> None:
    assert b"".join(raw_of(PACKED, GZIP).stream(size, decode_content=True)) == PLAIN
    assert b"".join(raw_of(PACKED, GZIP, version="2").stream(size, decode_content=True)) == PLAIN


@pytest.mark.parametrize(("version", "number"), [("1.0", 10), ("1.1", 11), ("2", 20), ("3", 30)])
def test_the_version_is_that_of_the_answer(version: str, number: int) -> None:
    found = raw_of(b"", version=version)
    assert (found.version, found.version_string) == (number, f"HTTP/{version}")


def test_a_body_that_unpacks_to_too_much_is_an_error() -> None:
    with pytest.raises(TooLargeError, match=r"http\.max_body_bytes \(100\)"):
        raw_of(PACKED, GZIP, max_body_bytes=100).read(decode_content=True)
    bomb = gzip.compress(bytes(4 * MB))
    with pytest.raises(TooLargeError, match=r"http\.max_ratio \(10\)"):
        raw_of(bomb, GZIP, max_ratio=10).read(decode_content=True)


def test_a_damaged_body_is_a_decode_error() -> None:
    with pytest.raises(urllib3.exceptions.DecodeError):
        raw_of(PACKED[:-20], GZIP).read(decode_content=True)
    with pytest.raises(urllib3.exceptions.DecodeError):
        raw_of(b"no gzip at all", GZIP).read(decode_content=True)


def test_an_unknown_encoding_is_left_as_it_came() -> None:
    assert raw_of(b"x", ("Content-Encoding", "odd")).read(decode_content=True) == b"x"


@pytest.mark.parametrize("most", [-1, 1, 100, 1 << 20])
def test_decoding_step_by_step_gives_everything(most: int) -> None:
    decoder = decoder_for("gzip", 10 * MB)
    assert decoder is not None
    bounded = raw._Bounded(decoder, Http())
    found = b""
    for at in range(0, len(PACKED), 13):
        found += bounded.decompress(PACKED[at : at + 13], most)
        while bounded.has_unconsumed_tail and most > 0:
            part = bounded.decompress(b"", most)
            assert len(part) <= most
            found += part
    assert found == PLAIN
    assert bounded.flush() == b""


def test_the_end_of_a_packed_body_must_come() -> None:
    decoder = decoder_for("gzip", 10 * MB)
    assert decoder is not None
    bounded = raw._Bounded(decoder, Http())
    assert bounded.flush() == b"", "an empty body needs no encoding"
    bounded.decompress(PACKED[:-20])
    with pytest.raises(Failure):
        bounded.flush()


def test_a_response_that_was_read_already_is_not_decoded_again() -> None:
    request = requests.Request("GET", "http://a.test/").prepare()
    headers = [GZIP, ("Set-Cookie", "a=1")]
    answer = replace(NO_ANSWER, status=200, headers=headers, http_version="1.1")
    response = decoded_response(request, answer, "OK", PLAIN)
    assert (response.content, response.status_code) == (PLAIN, 200)
    assert response.cookies.get_dict() == {"a": "1"}
