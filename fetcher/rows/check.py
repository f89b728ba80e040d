"""Checks the rows of a chunk before a sink takes them, whoever sent them.

Each must be exactly one row in the job's form, which every reader of OUT can read. It must belong
to the line that the chunk names, and have the tag with which this line was handed out. The chunk's
counts must agree with its rows. Anything else is a WireError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from fetcher.error_kinds import ALLOWED
from fetcher.errors import WireError
from fetcher.model import OUTCOME_CODE, Chunk, Result
from fetcher.protocol import line_tags
from fetcher.protocol.output_spec import Bodies, BodyNames, Output, RowForm
from fetcher.rows.body_names import parsed


class _Row(Result, frozen=True, gc=False, forbid_unknown_fields=True):
    """A row as it must be; unknown keys are refused."""


_decode_json: Final = msgspec.json.Decoder(_Row).decode
_decode_map: Final = msgspec.msgpack.Decoder(_Row).decode


class RowChecker:
    """Checks the rows of one job."""

    def __init__(self, output: Output, key: bytes) -> None:
        """`key`: the key of the lines' tags, see protocol.line_tags."""
        self._rows_of = _READERS[output.rows]
        self._path_of_body = _BODIES.get(
            output.bodies
        )  # None: the job keeps no bodies in files or archives
        self._names = output.body_names
        self._key = key

    def require(self, chunk: Chunk) -> list[str]:
        """Check the rows. Raises WireError.

        Returns the paths of the bodies' files below OUT, "" for a row without one; [] if no row has
        one.
        """
        named: list[line_tags.Named] = []
        depths, hops = chunk.depths, chunk.hops
        files: list[str] = []
        path_of_body, names = self._path_of_body, self._names
        bodies = _bodies(chunk)
        claimed = zip(chunk.lines, chunk.outcomes, chunk.statuses, chunk.body_bytes, strict=True)
        try:
            # Row by row: a hundred decoded rows would push all else out of the CPU's caches.
            for row, (line, code, status, size) in zip(self._rows_of(chunk), claimed, strict=True):
                if row.line != line:
                    raise WireError("chunk: its rows are of other lines than its header says")
                if (
                    OUTCOME_CODE[row.outcome] != code
                    or (row.status or 0) != status
                    or (row.body_bytes or 0) != size
                ):
                    raise WireError(
                        f"chunk: outcome, status or size of line {line} are not its row's"
                    )
                # In this order, a row with `ok`, whose code is 0, costs next to nothing.
                kind = row.error_kind
                if (code or kind is not UNSET) and kind not in ALLOWED[code]:
                    raise WireError(f"chunk: the outcome of line {line} has no such error_kind")
                name = None if row.id is UNSET else row.id
                if depths:
                    at = len(named)
                    if row.depth != depths[at]:
                        raise WireError("chunk: a depth differs from that of its row")
                    found_on = 0 if row.found_on is UNSET else row.found_on
                    via = "" if row.via is UNSET else row.via
                    found = depths[at], found_on, via, hops[at] if hops else 0
                    named.append(line_tags.named(line, row.url, name, found))
                else:
                    named.append((line, row.url, name))
                if path_of_body is not None:
                    path = path_of_body(row, *next(bodies), names)
                    if path is None:
                        raise WireError(
                            f"chunk: line {line} came with another body than its row says"
                        )
                    files.append(path)
                elif row.body_file is not UNSET or row.warc_id is not UNSET:
                    raise WireError(f"chunk: line {line} has a body, and the job keeps none")
        # Besides its own errors, a decoder raises UnicodeDecodeError and RecursionError.
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise WireError(f"chunk: a row cannot be decoded ({type(error).__name__})") from error
        if line_tags.of_lines(self._key, chunk.batch, chunk.batch_mask, named) != chunk.tags:
            raise WireError(f"chunk: a tag of batch {chunk.batch} does not fit its line")
        return files if any(files) else []


def _bodies(chunk: Chunk) -> Iterator[tuple[bytes, bool]]:
    """Yield the kept bytes of each row, and whether an empty body is kept."""
    empty = frozenset(chunk.empty)
    sizes = chunk.kept_bytes or [0] * len(chunk.lines)
    start = 0
    for line, size in zip(chunk.lines, sizes, strict=True):
        yield chunk.kept[start : start + size], line in empty
        start += size


def _path_of_filed(row: _Row, body: bytes, is_empty: bool, names: BodyNames) -> str | None:
    """The path of the body's file below OUT, "" without one; None if the row is of another body."""
    if row.body_file is UNSET:
        return None if body or is_empty else ""
    digest = hashlib.sha256(body).hexdigest()
    # The row of a cut body has no digest; its file is named by the digest of the bytes that came.
    is_cut = row.truncated is True and row.sha256 is None and row.body_bytes == len(body)
    said = parsed(row.body_file)
    is_right = (
        bool(body) != is_empty
        and said is not None
        and (said.digest, said.names) == (digest, names)
        and (row.sha256 == digest or is_cut)
    )
    return said.path if said is not None and is_right else None


def _path_of_archived(row: _Row, body: bytes, _empty: bool, _names: BodyNames) -> str | None:
    is_right = (row.warc_id is not UNSET) == bool(body) and row.body_file is UNSET
    return "" if is_right else None


_BODIES: Final[dict[Bodies, Callable[[_Row, bytes, bool, BodyNames], str | None]]] = {
    "files": _path_of_filed,
    "warc": _path_of_archived,
}


def _json_rows(chunk: Chunk) -> Iterator[_Row]:
    """Decode rows; each must end with its only line feed."""
    data = chunk.rows
    if not data.isascii():
        str(data, "utf-8")  # the decoder checks only the values that it returns
    view = memoryview(data)
    start = 0
    for size in chunk.row_bytes:
        end = start + size
        if data.find(b"\n", start) != end - 1:
            raise ValueError("line feeds")
        yield _decode_json(view[start:end])
        start = end


def _map_rows(chunk: Chunk) -> Iterator[_Row]:
    view = memoryview(chunk.rows)
    start = 0
    for size in chunk.row_bytes:
        yield _decode_map(view[start : start + size])
        start += size


_READERS: Final[dict[RowForm, Callable[[Chunk], Iterator[_Row]]]] = {
    "jsonl": _json_rows,
    "msgpack": _map_rows,
}
