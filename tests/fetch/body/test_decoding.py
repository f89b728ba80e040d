"""How a body is counted, decoded and capped, byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import random
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from backports import zstd

from fetcher.fetch.body.decoding import PIECE_BYTES, decoder_for
from fetcher.fetch.failures import Failure
from fetcher.model import Outcome, Result
from support.fetching import Fetched, fetch
from support.scripted import Script, answer, chunked, head, scripted

TEXT = b"".join(b"line %d of a page\n" % n for n in range(2000))
PACKED = gzip.compress(TEXT)
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED = BARE.compress(TEXT) + BARE.flush()
CHECKED: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
WIDE: dict[int, int] = {zstd.CompressionParameter.window_log: 24}
ZSTD = zstd.compress(TEXT, options=CHECKED)
SKIPPED = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"5byte"
CHUNKED = head("Transfer-Encoding: chunked")
CHUNKED_GZIP = head("Transfer-Encoding: chunked", "Content-Encoding: gzip")


def played(script: Script, **http: Any) -> Fetched:
    with scripted({"/": script}) as server:
        return fetch([server.url("/")], **{"total_timeout_s": 10.0, **http})


def one(script: Script, **http: Any) -> Result:
    (result,) = played(script, **http).results
    return result


def encoded(body: bytes, encoding: str) -> Script:
    return Script(answer(body, f"Content-Encoding: {encoding}"))


WHOLE = {
    "gzip": (PACKED, "gzip"),
    "x-gzip": (PACKED, "X-GZip"),
    "two gzip members": (gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:]), "gzip"),
    "gzip and padding": (PACKED + bytes(5000), "gzip"),
    "gzip and one more byte": (PACKED + b"\x1f", "gzip"),
    "deflate as zlib": (zlib.compress(TEXT), "deflate"),
    "deflate as it is often sent": (DEFLATED, "deflate"),
    "deflate and padding": (DEFLATED + b"\0\0\0", "deflate"),
    "gzip twice": (gzip.compress(PACKED), "gzip, gzip"),
    "deflate, then gzip": (gzip.compress(DEFLATED), "deflate, gzip"),
    "gzip without its trailer": (PACKED[:-8], "gzip"),
    "gzip cut in its length": (PACKED[:-3], "gzip"),
    "gzip cut in its check sum": (PACKED[:-6], "gzip"),
    "a second member without its trailer": (
        gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:])[:-8],
        "gzip",
    ),
    "zlib without its check sum": (zlib.compress(TEXT)[:-4], "deflate"),
    "zlib cut in its check sum": (zlib.compress(TEXT)[:-2], "deflate"),
    "the inner one without its trailer": (gzip.compress(PACKED[:-8]), "gzip, gzip"),
    "br": (brotli.compress(TEXT), "br"),
    "br and padding": (brotli.compress(TEXT) + bytes(5000), "br"),
    "zstd": (ZSTD, "zstd"),
    "zstd without a check sum": (zstd.compress(TEXT), "zstd"),
    "zstd cut in its check sum": (ZSTD[:-3], "zstd"),
    "zstd in several frames": (
        SKIPPED + zstd.compress(TEXT[:900]) + SKIPPED + zstd.compress(TEXT[900:]),
        "zstd",
    ),
    "zstd and padding": (ZSTD + bytes(5000), "zstd"),
    "gzip, then zstd": (zstd.compress(PACKED), "gzip, zstd"),
    "nothing done": (TEXT, "identity"),
}


def test_each_encoding_that_is_asked_for_is_unpacked() -> None:
    scripts = {f"/{n}": encoded(*WHOLE[name]) for n, name in enumerate(WHOLE)}
    with scripted(scripts) as server:
        done = fetch([server.url(path) for path in scripts])
        for n, (name, (body, _)) in enumerate(WHOLE.items()):
            result = done.by_url[server.url(f"/{n}")]
            assert (result.outcome, result.body_bytes) == (Outcome.OK, len(TEXT)), name
            assert result.wire_bytes == len(body), name
            assert result.sha256 == hashlib.sha256(TEXT).hexdigest(), name


BROKEN = {
    "gzip cut in its stream": (PACKED[:-50], "gzip"),
    "gzip cut before its last block's end": (PACKED[:-9], "gzip"),
    "gzip cut in its header": (PACKED[:1], "gzip"),
    "a second member cut": (PACKED + PACKED[:-50], "gzip"),
    "gzip with a wrong check sum": (PACKED[:-8] + bytes(8), "gzip"),
    "deflate cut": (DEFLATED[:-50], "deflate"),
    "zlib cut": (zlib.compress(TEXT)[:-5], "deflate"),
    "br cut": (brotli.compress(TEXT)[:-5], "br"),
    "zstd cut": (ZSTD[:-5], "zstd"),
    "zstd cut in its header": (ZSTD[:3], "zstd"),
    "a second zstd frame cut": (ZSTD + ZSTD[:-50], "zstd"),
    "zstd with a wrong check sum": (ZSTD[:-4] + bytes(4), "zstd"),
    "zstd that asks for too large a window": (
        zstd.compress(
            random.Random(1).randbytes(1000) * 9000,
            options=WIDE,
        ),
        "zstd",
    ),
    "no zstd at all": (TEXT, "zstd"),
    "no gzip at all": (TEXT, "gzip"),
    "the inner one cut": (gzip.compress(PACKED[:-50]), "gzip, gzip"),
    "more encodings than anybody stacks": (PACKED, ", ".join(["gzip"] * 20)),
}


def test_a_body_that_does_not_unpack_to_its_end_is_a_failure() -> None:
    scripts = {f"/{n}": encoded(*BROKEN[name]) for n, name in enumerate(BROKEN)}
    with scripted(scripts) as server:
        done = fetch([server.url(path) for path in scripts])
        for n, (name, (body, _)) in enumerate(BROKEN.items()):
            result = done.by_url[server.url(f"/{n}")]
            assert (result.outcome, result.status) == (Outcome.PROTOCOL, 200), name
            assert result.sha256 is None, name
            assert result.error and len(result.error) < 80, name
            assert result.wire_bytes is not None and result.wire_bytes <= len(body), name


def test_the_encodings_that_are_unpacked_are_asked_for() -> None:
    with scripted({"/": Script(answer(b""))}) as server:
        fetch([server.url("/")])
    assert b"\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" in server.heads[0]


def test_an_unknown_encoding_is_left_as_it_came() -> None:
    for encoding in ("dcb", "gzip, dcb", "x-unknown"):
        result = one(encoded(TEXT, encoding))
        assert (result.outcome, result.body_bytes) == (Outcome.OK, len(TEXT)), encoding
        assert result.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_an_empty_body_needs_no_encoding() -> None:
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, zstd"):
        result = one(encoded(b"", encoding))
        assert (result.outcome, result.body_bytes, result.wire_bytes) == (Outcome.OK, 0, 0)
        assert result.sha256 == hashlib.sha256(b"").hexdigest()
    packed = one(encoded(gzip.compress(b""), "br, gzip"))
    assert (packed.outcome, packed.body_bytes) == (Outcome.OK, 0)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_has_no_body_may_name_an_encoding(status: str) -> None:
    for encodings in ("zstd", ", ".join(["gzip"] * 20)):
        named = f"Content-Encoding: {encodings}"
        result = one(Script(head(named, status=status), end="keep"))
        assert (result.outcome, result.body_bytes) == (Outcome.OK, 0)


CHECK_SUM_BYTES = {"gzip": 8, "deflate": 4, "zstd": 4}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda body: zstd.compress(body, options=CHECKED),
}


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("body", [b"", b"a", b"ab" * 9, random.Random(2).randbytes(700), TEXT])
def test_a_body_is_whole_from_the_end_of_its_last_block_on(encoding: str, body: bytes) -> None:
    packed = PACKERS[encoding](body)
    for size in range(1, len(packed) + 1):
        decoder = decoder_for(encoding, 1 << 30)
        assert decoder is not None
        pieces = list(decoder.pieces(packed[:size]))
        try:
            decoder.end()
        except Failure:
            assert size < len(packed) - CHECK_SUM_BYTES[encoding]
        else:
            assert size >= len(packed) - CHECK_SUM_BYTES[encoding]
            assert b"".join(pieces) == body


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_frames_may_come_in_pieces_of_any_size(size: int) -> None:
    packed = SKIPPED + ZSTD + SKIPPED + ZSTD
    decoder = decoder_for("zstd", 1 << 30)
    assert decoder is not None
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(piece for part in parts for piece in decoder.pieces(part)) == TEXT * 2
    decoder.end()


@pytest.mark.parametrize("encoding", [*PACKERS, "br"])
def test_what_comes_before_damage_is_decoded(encoding: str) -> None:
    noise = random.Random(3)
    text = b"".join(b"<li>%d</li>\n" % noise.randrange(10**9) for _ in range(20_000))
    packed = brotli.compress(text) if encoding == "br" else PACKERS[encoding](text)
    half = len(packed) // 2
    decoder = decoder_for(encoding, 1 << 30)
    assert decoder is not None
    pieces: list[bytes] = []
    with pytest.raises(Failure, match="damaged"):
        for piece in decoder.pieces(packed[:half] + b"\xff" * 1000 + packed[half + 1000 :]):
            pieces.append(piece)
    came = b"".join(pieces)
    same = next((n for n, (a, b) in enumerate(zip(came, text, strict=False)) if a != b), len(came))
    assert same > len(text) // 4


LONG_TEXT = random.Random(7).randbytes(150_000) + bytes(300_000)
ENDED = {name: (pack(TEXT), pack(LONG_TEXT)) for name, pack in PACKERS.items()}
ENDED["br"] = (brotli.compress(TEXT), brotli.compress(LONG_TEXT, quality=5))


@pytest.mark.parametrize("encoding", ENDED)
@pytest.mark.parametrize("behind", [b"\0", b"\x1f", bytes(5000), b"<!-- 12 ms -->\n" * 900])
@pytest.mark.parametrize("step_bytes", [1 << 30, 5000, 100])
def test_bytes_behind_the_end_are_ignored_however_they_come(
    encoding: str, behind: bytes, step_bytes: int
) -> None:
    for text, packed in zip((TEXT, LONG_TEXT), ENDED[encoding], strict=True):
        decoder = decoder_for(encoding, 1 << 30)
        assert decoder is not None
        data = packed + behind
        parts = [data[at : at + step_bytes] for at in range(0, len(data), step_bytes)]
        came = b"".join(piece for part in parts for piece in decoder.pieces(part))
        decoder.end()
        assert came == text


def test_no_step_unpacks_more_than_a_piece() -> None:
    decoder = decoder_for("zstd", 1 << 30)
    assert decoder is not None
    sizes = [len(piece) for piece in decoder.pieces(zstd.compress(bytes(50_000_000)))]
    assert (sum(sizes), max(sizes)) == (50_000_000, PIECE_BYTES)


def test_the_payload_of_chunks_is_counted_exactly() -> None:
    for size in (1, 7, 1000, 100_000):
        chunks = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
        result = one(Script(CHUNKED + chunked(*chunks)))
        assert (result.outcome, result.body_bytes) == (Outcome.OK, len(TEXT))
        assert result.wire_bytes == len(TEXT)
    packed = one(Script(CHUNKED_GZIP + chunked(PACKED[:100], PACKED[100:])))
    assert (packed.body_bytes, packed.wire_bytes) == (len(TEXT), len(PACKED))


def test_what_came_before_a_break_is_counted() -> None:
    cut = one(Script(CHUNKED + b"3e8\r\n" + b"x" * 500))
    assert (cut.outcome, cut.wire_bytes, cut.body_bytes) == (Outcome.PROTOCOL, 500, 500)
    short = one(Script(head("Content-Length: 1000") + b"x" * 400))
    assert (short.outcome, short.wire_bytes) == (Outcome.PROTOCOL, 400)
    assert short.error == "the body broke off, 600 bytes are missing"
    silent = one(Script(head("Content-Length: 9") + b"abc", end="hang"), low_speed_s=1.0)
    assert (silent.outcome, silent.wire_bytes) == (Outcome.TIMEOUT, 3)


def test_a_body_in_very_many_chunks_is_read_whole() -> None:
    result = one(Script(CHUNKED + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"))
    assert (result.outcome, result.body_bytes) == (Outcome.OK, 200_000)


def zeros() -> bytes:
    return gzip.compress(bytes(50_000_000))


# Made when a test needs them: every process that collects tests imports this module.
CAPPED: dict[str, Callable[[], Script]] = {
    "chunks without end": lambda: Script(CHUNKED, endless=chunked(bytes(5000))[:-5]),
    "chunks that unpack to too much": lambda: Script(CHUNKED_GZIP + chunked(zeros())),
    "zstd that unpacks to too much": lambda: encoded(zstd.compress(bytes(50_000_000)), "zstd"),
    "zstd frames without end": lambda: Script(
        head("Content-Encoding: zstd"), endless=SKIPPED * 1000
    ),
    "empty gzip members without end": lambda: Script(
        head("Content-Encoding: gzip"), endless=gzip.compress(b"") * 1000
    ),
    "padding without end": lambda: Script(
        head("Content-Encoding: gzip") + PACKED, endless=bytes(50_000)
    ),
    "padding in chunks without end": lambda: Script(
        CHUNKED_GZIP + chunked(PACKED)[:-5], endless=chunked(bytes(5000))[:-5]
    ),
    "much that unpacks to nothing": lambda: encoded(
        gzip.compress(gzip.compress(b"") + bytes(50_000_000)), "gzip, gzip"
    ),
}


@pytest.mark.parametrize("name", CAPPED)
def test_the_cap_holds_as_received_and_as_unpacked(name: str) -> None:
    done = played(
        CAPPED[name](), max_body_bytes=300_000, max_wire_bytes=300_000, total_timeout_s=60.0
    )
    (result,) = done.results
    assert result.outcome is Outcome.TOO_LARGE, result
    assert "300000" in (result.error or "")
    assert result.wire_bytes is not None and result.wire_bytes < 300_000 + 100_000
    assert done.peak_bytes < 120e6
    assert done.took_s < 30
