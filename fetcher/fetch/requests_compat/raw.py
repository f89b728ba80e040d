"""Makes `Response.raw` as the stock adapter does: urllib3's own class, on a body of ours.

`read` returns bytes as received, or decoded on demand. Decoding is ours, bounded by the caps of
[http] (see fetch.body.decoding).
"""

from __future__ import annotations

import http.client
import io
import itertools
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.response import is_fp_closed

from fetcher.fetch.body.body_limits import body_excess, ratio_excess
from fetcher.fetch.body.decoding import PIECE_BYTES, Decoder, decoder_for
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers
from fetcher.fetch.requests_compat import errors
from fetcher.fetch.transfer.message import Answer
from fetcher.settings.schema import Http

_VERSIONS: Final = {"1.0": 10, "1.1": 11, "2": 20, "3": 30}
_CHUNK_BYTES: Final = 64 * 1024
_MAKER: Final = HTTPAdapter()  # used for its build_response


class Raw(urllib3.HTTPResponse):
    """The raw side of one answer; `answer` is the state of it so far."""

    def __init__(
        self,
        body: io.BufferedIOBase,
        answer: Callable[[], Answer],
        reason: str,
        method: str | None,
        url: str | None,
        limits: Http,
    ) -> None:
        """Raises urllib3's InvalidHeader."""
        now = answer()
        self._answer = answer
        self._limits = limits
        self._is_as_it_comes = now.http_version not in ("1.0", "1.1", None)
        super().__init__(
            body=body,
            headers=urllib3.HTTPHeaderDict(now.headers),
            status=now.status,
            version=_VERSIONS.get(now.http_version or "", 11),
            version_string=f"HTTP/{now.http_version or '1.1'}",
            reason=reason,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,  # libcurl has counted
            original_response=_Original(now.headers),  # type: ignore[arg-type]
            request_method=method,
            request_url=url,
        )

    @property
    def answer(self) -> Answer:
        return self._answer()

    def read(
        self,
        amt: int | None = None,
        decode_content: bool | None = None,
        cache_content: bool = False,
    ) -> bytes:
        try:
            return super().read(amt, decode_content, cache_content)
        except Failure as failure:
            raise errors.in_body(failure, self.url) from failure

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        try:
            return super().read1(amt, decode_content)
        except Failure as failure:
            raise errors.in_body(failure, self.url) from failure

    def stream(
        self, amt: int | None = _CHUNK_BYTES, decode_content: bool | None = None
    ) -> Generator[bytes]:
        if amt == 0 or not (self.chunked or self._is_as_it_comes):
            yield from super().stream(amt, decode_content)
            return
        # Pieces are passed on as they come, as for streams of events.
        yield from self.pieces(amt, decode_content)

    def pieces(
        self, amt: int | None = None, decode_content: bool | None = True
    ) -> Generator[bytes]:
        """Yield the body as it comes; a failure is raised after all that came before it."""
        # urllib3 would close the body at its last byte, before libcurl has said that it is whole.
        self.length_remaining = None
        while not is_fp_closed(self._fp) or self._has_more():
            piece = self.read1(amt, decode_content)
            if piece:
                yield piece

    def _has_more(self) -> bool:
        return len(self._decoded_buffer) > 0 or bool(
            self._decoder and self._decoder.has_unconsumed_tail
        )

    def _init_decoder(self) -> None:
        if self._decoder_initialized:
            return
        encodings = self.headers.get("content-encoding", "")
        decoder = decoder_for(encodings, self._limits.max_body_bytes)
        names = [name.strip().lower() for name in encodings.split(",")]
        if decoder is None and all(name in self.CONTENT_DECODERS for name in names):
            super()._init_decoder()
            decoder = _Stock(self._decoder)
        self._decoder_initialized = True
        if decoder is not None:
            self._decoder = _Bounded(decoder, self._limits)  # type: ignore[assignment]


class _Decoded(Raw):
    """An answer whose body is decoded already."""

    def _init_decoder(self) -> None:
        self._decoder_initialized = True


def decoded_response(
    request: requests.PreparedRequest, answer: Answer, reason: str, body: bytes
) -> requests.Response:
    """Make the response for an answer that was read to its end, with its decoded body."""
    raw = _Decoded(io.BytesIO(body), lambda: answer, reason, request.method, request.url, Http())
    return _MAKER.build_response(request, raw)


class _Stock:
    """Gives a decoder of urllib3 the interface of ours, for encodings that ours do not know."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield self._decoder.decompress(data, PIECE_BYTES)
        while self._decoder.has_unconsumed_tail:
            yield self._decoder.decompress(b"", PIECE_BYTES)

    def end(self) -> None:
        self._decoder.flush()


class _Bounded:
    """Gives a decoder of ours the interface of urllib3's; raises Failure beyond the caps."""

    def __init__(self, decoder: Decoder, limits: Http) -> None:
        self._decoder = decoder
        self._limits = limits
        self._pieces: Iterator[bytes] = iter(())
        self._left = b""  # the rest of a piece
        self._received = 0
        self._decoded = 0
        self.has_unconsumed_tail = False

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return the next decoded bytes, at most `max_length`."""
        self._received += len(data)
        if data:
            more = self._decoder.pieces(data)
            self._pieces = itertools.chain(self._pieces, more) if self._left else more
        parts: list[bytes] = []
        missing = max_length
        while missing:
            piece = self._left or next(self._pieces, None)
            if piece is None:
                break
            part = piece if missing < 0 else piece[:missing]
            self._left = piece[len(part) :]
            missing -= len(part) if missing > 0 else 0
            parts.append(part)
            self._count(len(part))
        while not self._left and (piece := next(self._pieces, None)) is not None:
            self._left = piece
        self.has_unconsumed_tail = bool(self._left)
        return b"".join(parts)

    def flush(self) -> bytes:
        if self._received:
            self._decoder.end()
        return b""

    def _count(self, size: int) -> None:
        self._decoded += size
        limits = self._limits
        if self._decoded > limits.max_body_bytes:
            raise body_excess(limits)
        if excess := ratio_excess(self._decoded, self._received, limits):
            raise excess


class _Original:
    """The part of http.client's response that requests' cookies use."""

    def __init__(self, headers: Headers) -> None:
        self.msg: Any = http.client.HTTPMessage()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass
