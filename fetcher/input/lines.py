"""Defines the lines of a URL file, and groups them into batches.

Every reader of the file (ventilator, counting, verify) uses input.formats, which uses this module,
so that all agree on which lines are URL lines and on their texts. A line ends at a line feed. Its
text has no white space at its ends (so CRLF means the same as LF) and no BOM at its start (joined
files have BOMs in the middle). Blank lines and lines that begin with `#` are not URL lines; but a
comment with a carriage return inside is one, because it may hold lines that would be lost. If you
change these rules, raise input.formats.RULES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from fetcher import bitset
from fetcher.error_kinds import ErrorKind
from fetcher.model import Batch, Task

# Longer than any URL that a server takes; the rest of a longer line is not kept in memory.
MAX_LINE_BYTES: Final = 32 * 1024
BOM: Final = b"\xef\xbb\xbf"
READ_BYTES: Final = 256 * 1024


class ByteStream(Protocol):
    """A binary file, or a decompressing reader."""

    def read(self, size: int, /) -> bytes: ...


def url_lines(lines: Iterable[bytes]) -> list[bytes]:
    """The stripped text of each physical line; b"" for blank lines and comments."""
    texts = map(bytes.strip, lines)
    return [b"" if text[:1] == b"#" and b"\r" not in text else text for text in texts]


def read_lines(
    stream: ByteStream, size: int = READ_BYTES, longest: int = MAX_LINE_BYTES
) -> Iterator[list[bytes]]:
    """Yield the physical lines in lists, without line feeds and without BOMs at their start.

    A line with more than `longest` bytes is cut to one byte more: it can still be recognised as too
    long, and memory does not grow with its length.
    """
    rest = b""
    while block := stream.read(size):
        text = rest + block
        lines = text.split(b"\n")
        if BOM in text:
            lines = [_without_bom(line) for line in lines]
        rest = lines.pop()[: longest + 1]
        if lines:
            is_cut = max(map(len, lines)) > longest
            yield [line[: longest + 1] for line in lines] if is_cut else lines
    if rest:
        yield [rest]


def _without_bom(line: bytes) -> bytes:
    while line.startswith(BOM):
        line = line[len(BOM) :]
    return line


def batches(
    blocks: Iterable[list[bytes]],
    batch_size: int,
    texts_of: Callable[[list[bytes]], list[bytes]] = url_lines,
) -> Iterator[Batch]:
    """Yield each run of `batch_size` physical lines as a batch, even if it has no URL line."""
    pending: list[bytes] = []
    batch_id = 0
    for block in blocks:
        pending += block
        start = 0
        while len(pending) - start >= batch_size:
            yield make_batch(batch_id, batch_size, texts_of(pending[start : start + batch_size]))
            start += batch_size
            batch_id += 1
        del pending[:start]
    if pending:
        yield make_batch(batch_id, batch_size, texts_of(pending))


def make_batch(batch_id: int, batch_size: int, texts: list[bytes]) -> Batch:
    """The batch of physical lines with these texts; b"" for lines that are not URL lines."""
    if b"" in texts:
        mask = sum(1 << offset for offset, text in enumerate(texts) if text)
        texts = [text for text in texts if text]
    else:
        mask = (1 << len(texts)) - 1
    return Batch(batch_id, batch_id * batch_size + 1, mask, b"\n".join(texts))


def select(urls: bytes, full: int, mask: int) -> bytes:
    """Select the lines in `mask` from joined texts; `full`: the mask of all lines in `urls`."""
    if mask == full:
        return urls
    texts = zip(bitset.offsets(full), urls.split(b"\n"), strict=True)
    return b"\n".join(text for offset, text in texts if mask >> offset & 1)


def merge(urls: bytes, mask: int, others: bytes, of_others: int) -> bytes:
    """Join the texts of two sets of lines; where both have a line, those of `others` are taken."""
    texts = dict(zip(bitset.offsets(mask), urls.split(b"\n"), strict=True)) if mask else {}
    texts.update(zip(bitset.offsets(of_others), others.split(b"\n"), strict=True))
    return b"\n".join(texts[offset] for offset in sorted(texts))


def task_of(line: int, raw: bytes) -> Task:
    """The task of a line of plain text, which is only a URL."""
    task = text_of(line, raw)
    if b"\r" in raw and task.fault is None:
        said = "a carriage return (0x0d) inside the line: end each with 0x0a"
        return Task(line, task.url, ErrorKind.URL_CHARACTER.fault(said))
    return task


def text_of(line: int, raw: bytes) -> Task:
    """A task whose URL is the decoded text of a line; invalid UTF-8 or too long is a fault."""
    if len(raw) > MAX_LINE_BYTES:
        text = raw[:MAX_LINE_BYTES].decode("utf-8", "backslashreplace")
        said = f"the line is longer than {MAX_LINE_BYTES} bytes (cut here)"
        return Task(line, text, ErrorKind.URL_TOO_LONG.fault(said))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        said = f"not valid UTF-8 (byte 0x{raw[error.start]:02x} at {error.start})"
        text = raw.decode("utf-8", "backslashreplace")
        return Task(line, text, ErrorKind.LINE_ENCODING.fault(said))
    return Task(line, text)


def identity(line: int, text: str, name: str | int | None = None) -> bytes:
    """Encode a line's number, text and id as bytes; different lines have different bytes."""
    raw = f"{line} {text}".encode("utf-8", "surrogatepass")
    if name is not None:
        kind = b"n" if isinstance(name, int) else b"t"
        # The length of the text comes last, so that no other text has the same bytes.
        raw += b" %s%s %d" % (kind, str(name).encode("utf-8", "surrogatepass"), len(raw))
    return raw


def fingerprint(line: int, text: str, name: str | int | None = None) -> int:
    """A 64-bit hash of a line's number, text and id; hashes are summed in any order."""
    raw = identity(line, text, name)
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")
