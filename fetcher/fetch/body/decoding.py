"""Decodes content in bounded pieces: gzip, deflate, br and zstd, also stacked.

No step decodes more than a piece, so a bomb costs one piece, and its reader may stop at any time. A
body that is cut or damaged is a Failure, never a shorter body. A body is complete once its last
block has ended: a missing check sum is accepted, a wrong one is damage. Bytes after the end are
ignored, as in browsers, unless they begin another member of gzip or another frame of zstd. A body
in an unknown encoding stays as it is.
"""

from __future__ import annotations

import contextlib
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import brotli

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES: Final = 64 * 1024
_MAX_ENCODINGS: Final = 3  # stacked
_SLICE_BYTES: Final = 2048
_MOST_TAKEN_BYTES: Final = 64 * 1024  # of a br body as received, that are kept while it lasts
_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"
# Four bytes cannot end a block, but complete a check sum: its error shows that the blocks ended.
_PROBES: Final = (bytes(4), b"\xff" * 4)
# 8 MB, as RFC 9659 says.
_ZSTD_WINDOW: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after a first byte from 0x50 to 0x5f


class Decoder(Protocol):
    """Decodes one body."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode these received bytes, piece by piece. Raises Failure."""

    def end(self) -> None:
        """The body has ended. Raises Failure if it was cut; an empty one never was."""


class _Inflate:
    """gzip, of any number of members, and deflate, with and without zlib's frame."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._wbits = zlib.MAX_WBITS if name == "deflate" else _GZIP
        self._inflate = zlib.decompressobj(self._wbits)
        self._begun = False
        self._held = b""  # the first byte of a stream or a member, which needs a second one

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
            before = self._inflate.copy()
            try:
                piece = self._decompress(data)
            except Failure:
                yield from _before_damage(before, data)
                raise
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                yield piece
        # After a full piece, zlib may hold more output than it reports as unconsumed input.
        while piece_left := self._rest():
            yield piece_left

    def _decompress(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            if self._name == "deflate" and not self._begun:
                # Many servers send it without the frame that the standard asks for.
                self._begun = True
                self._wbits = -zlib.MAX_WBITS
                self._inflate = zlib.decompressobj(self._wbits)
                return self._decompress(data)
            raise _damaged(self._name, str(error)) from error
        self._begun = True
        return piece

    def _rest(self) -> bytes:
        return b"" if self._inflate.eof else self._decompress(b"")

    def _next_member(self, data: bytes) -> bytes:
        if self._name == "deflate" or not _GZIP_MAGIC.startswith(data[:2]):
            return b""  # padding or garbage after the end, which everybody ignores
        if len(data) == 1:
            self._held = data
            return b""
        self._inflate = zlib.decompressobj(self._wbits)
        return data

    def end(self) -> None:
        is_empty = not self._begun and not self._held
        if not is_empty and not self._inflate.eof and not self._lacks_only_check_sum():
            raise _cut(self._name)

    def _lacks_only_check_sum(self) -> bool:
        """Whether the last block has ended and only the check sum is missing; zlib does not say."""
        if self._wbits < 0:
            return False  # a raw stream has no check sum
        for probe in _PROBES:  # one of them differs from the check sum
            inflate = self._inflate.copy()
            try:
                inflate.decompress(probe)
            except zlib.error as error:
                return str(error).endswith(("incorrect data check", "incorrect length check"))
            if inflate.eof:
                return True
        return False


def _before_damage(inflate: Any, data: bytes) -> Iterator[bytes]:
    """Decode the data up to its damage; zlib returns nothing from a call that fails."""
    with contextlib.suppress(zlib.error):
        for at in range(len(data)):
            if piece := inflate.decompress(data[at : at + 1]):
                yield piece


def _slices(data: bytes) -> Iterator[bytes]:
    """Cut the input up for decoders that return nothing from a call that fails."""
    for at in range(0, len(data), _SLICE_BYTES):
        yield data[at : at + _SLICE_BYTES]


class _Brotli:
    """br. The library takes bytes after the end for damage, and loses the output of that call.

    So a second decoder is kept, which has taken all data but that of the last call. After such an
    error it decodes this data byte by byte. For a short body, it is made when it is needed.
    """

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._begun = False
        self._taken: list[bytes] = []  # what the first decoder has taken, while that is little
        self._taken_bytes = 0
        self._behind: Any = None  # the second decoder; None: `_taken` is all that it would need

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        for part in _slices(data):
            if self._brotli.is_finished():
                return  # padding or garbage after the end
            yield from self._of(part)

    def _of(self, data: bytes) -> Iterator[bytes]:
        given_bytes = 0
        try:
            for piece in _brotli_pieces(self._brotli, data):
                given_bytes += len(piece)
                yield piece
        except brotli.error as error:
            yield from self._to_its_end(data, given_bytes, str(error))
            return
        self._follow(data)

    def _follow(self, data: bytes) -> None:
        """The first decoder has taken this data; the second one does, or can, too."""
        if self._behind is not None:
            for _ in _brotli_pieces(self._behind, data):
                pass
            return
        self._taken.append(data)
        self._taken_bytes += len(data)
        if self._taken_bytes > _MOST_TAKEN_BYTES:
            self._behind = self._second()

    def _second(self) -> Any:
        """The decoder that has taken all but the last data."""
        if self._behind is not None:
            return self._behind
        decoder = brotli.Decompressor()
        taken, self._taken = self._taken, []
        for data in taken:
            for _ in _brotli_pieces(decoder, data):
                pass
        return decoder

    def _to_its_end(self, data: bytes, given_bytes: int, words: str) -> Iterator[bytes]:
        """Decode the data up to the end of the stream; without one, up to the damage."""
        decoder = self._brotli = self._second()
        skipped_bytes = given_bytes
        for at in range(len(data)):
            try:
                for piece in _brotli_pieces(decoder, data[at : at + 1]):
                    if rest := piece[skipped_bytes:]:
                        yield rest
                    skipped_bytes -= min(skipped_bytes, len(piece))
            except brotli.error as error:
                raise _damaged("br", words) from error
            if decoder.is_finished():
                return

    def end(self) -> None:
        if self._begun and not self._brotli.is_finished():
            raise _cut("br")


def _brotli_pieces(decoder: Any, data: bytes) -> Iterator[bytes]:
    """All output for this data, piece by piece."""
    while not decoder.is_finished():
        piece = decoder.process(data, output_buffer_limit=PIECE_BYTES)
        data = b""
        if piece:
            yield piece
        elif decoder.can_accept_more_data():
            return


class _Zstd:
    """Any number of frames, skippable ones included."""

    def __init__(self) -> None:
        self._frame: zstd.ZstdDecompressor | None = None  # the one that is being read
        self._held = b""  # the beginning of a frame, while it has fewer than four bytes
        self._ended = False  # at least one frame has ended

    def pieces(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        self._held = b""
        while data:
            if self._frame is None:
                if self._ended and not _may_begin_frame(data):
                    return  # padding or garbage after the end
                if len(data) < len(_ZSTD_MAGIC):
                    self._held = data
                    return
                self._frame = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
            part, data = data[:_SLICE_BYTES], data[_SLICE_BYTES:]
            yield from self._of_frame(self._frame, part)
            if self._frame.eof:
                data = self._frame.unused_data + data
                self._frame, self._ended = None, True

    def _of_frame(self, frame: zstd.ZstdDecompressor, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = frame.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise _damaged("zstd", str(error)) from error
            if piece:
                yield piece
            data = b""
            if frame.eof or frame.needs_input:
                return

    def end(self) -> None:
        if self._frame is None:
            is_cut = bool(self._held) and not self._ended
        else:
            is_cut = not self._lacks_only_check_sum(self._frame)
        if is_cut:
            raise _cut("zstd")

    def _lacks_only_check_sum(self, frame: zstd.ZstdDecompressor) -> bool:
        try:
            frame.decompress(_PROBES[0])
        except zstd.ZstdError as error:
            return "checksum" in str(error)
        return frame.eof


def _may_begin_frame(data: bytes) -> bool:
    is_skippable = data[0] & 0xF0 == 0x50 and _ZSTD_SKIPPABLE.startswith(data[1:4])
    return is_skippable or _ZSTD_MAGIC.startswith(data[:4])


class _Stack:
    """Stacked decoders, the outermost first; the cap holds between them too."""

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
                said = f"body larger than http.max_body_bytes ({self._max_bytes})"
                raise Failure(ErrorKind.LARGE_BODY, said)
            yield from self._through(self._decoders[level].pieces(piece), level + 1)

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end()


class _TooMany:
    """More encodings than anybody stacks: an attack, unless the body is empty."""

    def __init__(self, count: int) -> None:
        self._count = count

    def pieces(self, data: bytes) -> Iterator[bytes]:
        raise _bad(f"encoded {self._count} times over")

    def end(self) -> None:
        pass


_DECODERS: Final[dict[str, Callable[[], Decoder]]] = {
    "gzip": lambda: _Inflate("gzip"),
    "x-gzip": lambda: _Inflate("gzip"),
    "deflate": lambda: _Inflate("deflate"),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder_for(encodings: str, max_bytes: int) -> Decoder | None:
    """The decoder for a Content-Encoding; None if the body stays as it is.

    `max_bytes`: the most that one stacked decoder may pass to the next.
    """
    names = [name.strip().lower() for name in encodings.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MAX_ENCODINGS:
        return _TooMany(len(names))
    if not names or not all(name in _DECODERS for name in names):
        return None
    decoders = [_DECODERS[name]() for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _Stack(decoders, max_bytes)


def _damaged(name: str, words: str) -> Failure:
    return _bad(f"the {name} body is damaged: {words.rpartition(': ')[2]}")


def _cut(name: str) -> Failure:
    return _bad(f"the {name} body is cut short")


def _bad(words: str) -> Failure:
    return Failure(ErrorKind.PROTOCOL_BAD_CODING, words)
