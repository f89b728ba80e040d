"""OUT/bodies: what a job keeps of its answers beside its rows, in the same commit.

Law: what counts is what the journal says. A body's file has its name only once it is durable; WARC
files and their index have committed lengths like any segment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from fetcher.commit.committer import Kept
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store.disk import disk_errors, fsync_dir, make_dir, sync_file_system
from fetcher.store.revisits import Revisits
from fetcher.store.segments import Segments, SegmentState

WARC_SUFFIX: Final = ".warc.gz"
INDEX_SUFFIX: Final = ".index.jsonl"
_NEW_NAME: Final = ".new"


class IndexRow(msgspec.Struct, frozen=True):
    """Where a line's WARC records are: the last response first, then its request, then hops."""

    line: int
    file: str
    offset: int
    length: int

    def encoded(self) -> bytes:
        """As it is in the index, line feed included."""
        return msgspec.json.encode(self) + b"\n"


def warc_names(lengths: Mapping[str, int]) -> list[str]:
    """The WARC files among the segments that the journal has, oldest first."""
    return _named(lengths, WARC_SUFFIX)


def index_names(lengths: Mapping[str, int]) -> list[str]:
    """What says where each line's records are, oldest first."""
    return _named(lengths, INDEX_SUFFIX)


def _named(lengths: Mapping[str, int], suffix: str) -> list[str]:
    mine = [name for name in lengths if name.endswith(suffix)]
    return sorted(mine, key=lambda name: (len(name), name))


class BodyStore(Protocol):
    """The steps of a commit, as commit.committer.Store has them."""

    def append(self, kept: list[Kept]) -> None:
        """Write; on NoSpaceError nothing has changed."""

    def sync(self) -> None:
        """Make it durable."""

    def states(self) -> list[SegmentState]:
        """For the journal."""

    def committed(self) -> None:
        """The journal has recorded it."""

    def require_all(self) -> None:
        """Raises DamageError where a file that was written is not there as it was."""

    def close(self) -> None:
        """Let go of the files."""


class WarcFiles:
    """bodies/part-00000.warc.gz …, and beside them where each line's records are."""

    def __init__(
        self,
        out: Path,
        max_bytes: int,
        states: Mapping[str, SegmentState],
        preamble: Callable[[str], bytes] | None,
        revisits: Revisits | None = None,
    ) -> None:
        """`states` of all that is committed below OUT/bodies, as `states()` gave them.

        `revisits`: where each body is to be there once; then what is appended is rows.archive's.
        """
        directory = out / BODIES_NAME
        mine = {name.removeprefix(f"{BODIES_NAME}/"): state for name, state in states.items()}
        warcs = {name: state for name, state in mine.items() if name.endswith(WARC_SUFFIX)}
        index = {name: state for name, state in mine.items() if name.endswith(INDEX_SUFFIX)}
        self._warcs = Segments(directory, WARC_SUFFIX, max_bytes, warcs, preamble)
        self._index = Segments(directory, INDEX_SUFFIX, max_bytes, index)
        self._revisits = revisits
        self._new = 0  # records that were appended and are not committed

    def append(self, kept: list[Kept]) -> None:
        if self._revisits is not None:
            self._revisits.begin()
            kept = [Kept(line, self._revisits.replaced(data)) for line, data, _ in kept]
        file, offset = self._warcs.append([each.data for each in kept])
        rows = []
        for line, data, _ in kept:
            rows.append(IndexRow(line, file, offset, len(data)).encoded())
            offset += len(data)
        self._index.append(rows)
        self._new = len(rows)

    def sync(self) -> None:
        self._warcs.sync()
        self._index.sync()

    def states(self) -> list[SegmentState]:
        both = (self._warcs.state(self._new), self._index.state(self._new))
        return [state._replace(name=f"{BODIES_NAME}/{state.name}") for state in both]

    def committed(self) -> None:
        self._warcs.committed(self._new)
        self._index.committed(self._new)
        if self._revisits is not None:
            self._revisits.committed()

    def require_all(self) -> None:
        self._warcs.require_all()
        self._index.require_all()

    def close(self) -> None:
        self._warcs.close()
        self._index.close()


class BodyFiles:
    """bodies/ab/cd/abcd….jpg: each body once, under the name that its row has for it."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._directory = out / BODIES_NAME
        self._new = self._directory / _NEW_NAME
        shutil.rmtree(self._new, ignore_errors=True)  # of a commit that came to nothing
        make_dir(self._new, "-o")
        fsync_dir(out)
        self._waiting: dict[str, Path] = {}  # its path below OUT -> where it is until it is durable
        self._renamed = False  # some have their names, and these may not be durable yet
        # Held open, as it hears only of errors since it was opened.
        self._disk = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        # A process before this one may have been killed between a name and its durability.
        self._sync_disk()

    def append(self, kept: list[Kept]) -> None:
        # Again for each try: what an earlier one wrote is there already, or is written over.
        for _, body, name in kept:
            final = self._out / name
            if name in self._waiting or final.exists():
                continue
            path = self._new / final.name
            try:
                with disk_errors(path):
                    path.write_bytes(body)
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
            self._waiting[name] = path

    def sync(self) -> None:
        if self._waiting:
            self._sync_disk()
        for name in list(self._waiting):
            final = self._out / name
            with disk_errors(final):
                final.parent.mkdir(parents=True, exist_ok=True)
                self._waiting[name].rename(final)
            self._renamed = True
            del self._waiting[name]
        if self._renamed:
            self._sync_disk()
            self._renamed = False

    def _sync_disk(self) -> None:
        sync_file_system(self._disk, self._directory)

    def states(self) -> list[SegmentState]:
        return []

    def committed(self) -> None:
        pass

    def require_all(self) -> None:
        """Each body is looked at with the row that names it: see store.inspection."""

    def close(self) -> None:
        os.close(self._disk)
