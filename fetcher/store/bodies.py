"""OUT/bodies: the kept bodies of a job, as files or WARC records, written in the rows' commits.

Only what the journal records counts. The file of a body gets its name only after its content is
durable. WARC files and their index have committed lengths, as all segments have.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from fetcher.commit.committer import Kept
from fetcher.protocol.output_spec import PLAIN
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store.disk import disk_errors, fsync_dir, make_dir, sync_file_system
from fetcher.store.reader import Segment, rows
from fetcher.store.revisits import Revisits
from fetcher.store.segments import Segments, SegmentState, oldest_first

WARC_SUFFIX: Final = ".warc.gz"
INDEX_SUFFIX: Final = ".index.jsonl"
_NEW_NAME: Final = ".new"


class IndexRow(msgspec.Struct, frozen=True):
    """Where the WARC records of a line are: last response, its request, then the redirects."""

    line: int
    file: str
    offset: int
    length: int

    def encoded(self) -> bytes:
        """The row as a line of the index, with its line feed."""
        return msgspec.json.encode(self) + b"\n"


_INDEX_ROW: Final = msgspec.json.Decoder(IndexRow)


def warc_names(lengths: Mapping[str, int]) -> list[str]:
    """The names of the WARC files among the committed segments, oldest first."""
    return _named(lengths, WARC_SUFFIX)


def index_names(lengths: Mapping[str, int]) -> list[str]:
    """The names of the index files of the WARC files, oldest first."""
    return _named(lengths, INDEX_SUFFIX)


def _named(lengths: Mapping[str, int], suffix: str) -> list[str]:
    return oldest_first(name for name in lengths if name.endswith(suffix))


def read_index(out: Path, name: str, length: int) -> Iterator[tuple[bytes, IndexRow | None]]:
    """Each committed line of an index file, and its content; None if that is not valid.

    `name`: as in the journal. Raises DamageError if the file is too short.
    """
    for raw in rows(Segment(out / name, length, PLAIN)):
        try:
            row = _INDEX_ROW.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield raw, None
        else:
            yield raw, row


class BodyStore(Protocol):
    """The steps of a commit; see commit.committer.CommitStore."""

    def append(self, kept: list[Kept]) -> None:
        """Write them; after a NoSpaceError nothing has changed."""

    def sync(self) -> None:
        """Make what was appended durable."""

    def states(self) -> list[SegmentState]:
        """The new states of the segments, for the journal."""

    def committed(self) -> None:
        """The journal has recorded the states."""

    def require_all(self) -> None:
        """Raises DamageError if a file was removed, replaced or cut."""

    def close(self) -> None:
        """Close the files."""


class WarcFiles:
    """bodies/part-00000.warc.gz …, with an index of each line's records."""

    def __init__(
        self,
        out: Path,
        max_bytes: int,
        states: Mapping[str, SegmentState],
        preamble: Callable[[str], bytes] | None,
        revisits: Revisits | None = None,
    ) -> None:
        """`states`: the committed state of each segment below OUT/bodies, by name.

        `revisits`: given if each body is written once only; appended data is then in the form of
        rows.archive.
        """
        directory = out / BODIES_NAME
        by_name = {name.removeprefix(f"{BODIES_NAME}/"): state for name, state in states.items()}
        warcs = {name: state for name, state in by_name.items() if name.endswith(WARC_SUFFIX)}
        index = {name: state for name, state in by_name.items() if name.endswith(INDEX_SUFFIX)}
        self._warcs = Segments(directory, WARC_SUFFIX, max_bytes, warcs, preamble)
        self._index = Segments(directory, INDEX_SUFFIX, max_bytes, index)
        self._revisits = revisits
        self._new = 0  # index rows that were appended and are not yet committed

    def append(self, kept: list[Kept]) -> None:
        if self._revisits is not None:
            self._revisits.begin()
            kept = [Kept(line, self._revisits.replaced(data)) for line, data, _ in kept]
        file, offset = self._warcs.append([each.data for each in kept])
        index_rows = []
        for line, data, _ in kept:
            index_rows.append(IndexRow(line, file, offset, len(data)).encoded())
            offset += len(data)
        self._index.append(index_rows)
        self._new = len(index_rows)

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
    """bodies/ab/cd/abcd….jpg: one file for each distinct body, with the name that its rows have."""

    def __init__(self, out: Path, others: Sequence[Path] = ()) -> None:
        """`others`: OUTs of other jobs that may have the same bodies, which are linked then."""
        import shutil  # noqa: PLC0415 (takes time to load; only jobs with body files need it)

        self._out = out
        self._others = others
        self._directory = out / BODIES_NAME
        self._new = self._directory / _NEW_NAME
        shutil.rmtree(self._new, ignore_errors=True)  # left by a commit that failed
        make_dir(self._new, "-o")
        fsync_dir(out)
        self._waiting: dict[str, Path] = {}  # final path below OUT -> path until it is durable
        self._renamed = False  # some files have new names that may not be durable yet
        # Kept open, as syncfs reports only errors that happened since the file was opened.
        self._disk = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        # An earlier process may have been killed after a rename and before it was durable.
        self._sync_disk()

    def append(self, kept: list[Kept]) -> None:
        # A commit may be tried again: then files of the earlier try exist or are overwritten.
        for _, body, name in kept:
            final = self._out / name
            if name in self._waiting or final.exists():
                continue
            path = self._new / final.name
            try:
                if not self._is_linked(path, name, body):
                    with disk_errors(path):
                        path.write_bytes(body)
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
            self._waiting[name] = path

    def _is_linked(self, path: Path, name: str, body: bytes) -> bool:
        """Make `path` another name of the same body in another OUT, which takes no space."""
        for other in self._others:
            with contextlib.suppress(OSError):  # on another file system, or not there
                if (other / name).read_bytes() == body:
                    os.link(other / name, path)
                    return True
        return False

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
        """The bodies are checked together with the rows that name them: see store.inspection."""

    def close(self) -> None:
        os.close(self._disk)
