"""Content decoding in bounded pieces: gzip, deflate and br, also one upon the other.

Law: no step unpacks more than a piece, so that a bomb costs a piece and its reader may stop at any
time; a body that is cut or damaged is a Failure, never a shorter body. Encodings that we do not
know leave a body as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import brotli

from fetcher.model import Outcome
from fetcher.net.failures import Failure, Undecodable

PIECE_BYTES: Final = 64 * 1024
_MAX_ENCODINGS: Final = 3  # one upon the other; more is an attack
_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"


class Decoder(Protocol):
    """One body's decoder."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these received bytes unpack to. Raises Failure."""

    def end(self) -> None:
        """The body has ended. Raises Failure where it is cut."""


class _Inflate:
    """gzip, of any number of members, and deflate, with and without zlib's frame."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._wbits = zlib.MAX_WBITS if name == "deflate" else _GZIP
        self._inflate = zlib.decompressobj(self._wbits)
        self._begun = False
        self._held = b""  # a byte that says nothing alone, of what a stream or a member begins with

    def pieces(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        self._held = b""
        if not self._begun and len(data) < 2:
            self._held = data
            return
        while data:
            if self._inflate.eof:
                data = self._next_member(data)
                continue
            piece = self._decompress(data)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                yield piece
        # A full piece may leave more behind in zlib than what it shows as unconsumed.
        while piece_left := self._rest():
            yield piece_left

    def _decompress(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            if self._name == "deflate" and not self._begun:
                # Many servers send it without the frame that the standard asks for.
                self._begun = True
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                return self._decompress(data)
            raise _damaged(self._name, str(error)) from error
        self._begun = True
        return piece

    def _rest(self) -> bytes:
        return b"" if self._inflate.eof else self._decompress(b"")

    def _next_member(self, data: bytes) -> bytes:
        if self._name == "deflate" or not _GZIP_MAGIC.startswith(data[:2]):
            return b""  # padding, or nonsense behind the end: ignored by everybody
        if len(data) == 1:
            self._held = data
            return b""
        self._inflate = zlib.decompressobj(self._wbits)
        return data

    def end(self) -> None:
        if not self._inflate.eof:
            raise _cut(self._name)


class _Brotli:
    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._brotli.is_finished():
            try:
                piece = self._brotli.process(data, output_buffer_limit=PIECE_BYTES)
            except brotli.error as error:
                raise _damaged("br", str(error)) from error
            data = b""
            if piece:
                yield piece
            elif self._brotli.can_accept_more_data():
                return

    def end(self) -> None:
        if not self._brotli.is_finished():
            raise _cut("br")


class _Stack:
    """Decoders in the order in which they undo each other; the caps hold between them too."""

    def __init__(self, decoders: list[Decoder], max_bytes: int) -> None:
        self._decoders = decoders
        self._max_bytes = max_bytes
        self._between = 0  # bytes that came out of one and went into the next

    def pieces(self, data: bytes) -> Iterator[bytes]:
        return self._through([data], 0)

    def _through(self, data: Iterator[bytes] | list[bytes], level: int) -> Iterator[bytes]:
        if level == len(self._decoders):
            yield from data
            return
        for piece in data:
            self._between += len(piece) if level else 0
            if self._between > self._max_bytes:
                raise Failure(
                    Outcome.TOO_LARGE, f"body larger than http.max_body_bytes ({self._max_bytes})"
                )
            yield from self._through(self._decoders[level].pieces(piece), level + 1)

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end()


def decoder_for(encodings: str, max_bytes: int) -> Decoder | None:
    """The decoder for a Content-Encoding; None where the body is to be left as it is.

    Where an encoding is upon another, no more than `max_bytes` may come out of any. Raises Failure.
    """
    names = [name.strip().lower() for name in encodings.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MAX_ENCODINGS:
        raise Undecodable(f"encoded {len(names)} times over")
    decoders: list[Decoder] = []
    for name in reversed(names):
        if name in ("gzip", "x-gzip", "deflate"):
            decoders.append(_Inflate("deflate" if name == "deflate" else "gzip"))
        elif name == "br":
            decoders.append(_Brotli())
        else:
            return None
    return decoders[0] if len(decoders) == 1 else _Stack(decoders, max_bytes) if decoders else None


def _damaged(name: str, words: str) -> Failure:
    return Undecodable(f"the {name} body is damaged: {words.rpartition(': ')[2]}")


def _cut(name: str) -> Failure:
    return Undecodable(f"the {name} body is cut short")
