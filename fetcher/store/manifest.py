"""manifest.json: which job a directory belongs to.

The file is replaced as a whole. The input and the batch size never change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal

import msgspec

from fetcher.errors import ConflictError, DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.formats import LOG, TEXT, LineFormat
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.known_types import known
from fetcher.protocol.bounds import Plain
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.protocol.shard import WHOLE, Share
from fetcher.store.disk import fsync_dir, make_dir, write_atomically
from fetcher.store.lock import LOCK_NAME

MANIFEST_NAME: Final = "manifest.json"
SPOOL_NAME: Final = "input.urls"
RESULTS_NAME: Final = "results"
JOURNAL_NAME: Final = "journal.sqlite"
SELECTION_NAME: Final = "selection.bits"
PARENT_NAME: Final = "parent"  # see store.parent_files
FORMAT: Final = 2
_READABLE: Final = frozenset({1, FORMAT})  # 1: without digests in the journal
# Files that may exist if a process crashed before it wrote the manifest.
_OURS: Final = frozenset(
    {LOCK_NAME, SPOOL_NAME, RESULTS_NAME, f"{SPOOL_NAME}.tmp", f"{MANIFEST_NAME}.tmp"}
    | {SELECTION_NAME, f"{SELECTION_NAME}.tmp", PARENT_NAME, f"{PARENT_NAME}.tmp"}
    | {JOURNAL_NAME, f"{JOURNAL_NAME}-wal", f"{JOURNAL_NAME}-shm", f"{JOURNAL_NAME}-journal"}
)

Setting = Plain | list[Plain]


class InputFacts(msgspec.Struct):
    """The URL file; `sha256` is of its uncompressed content, None until all of it was read."""

    name: str
    path: str  # absolute, on the ventilator's host
    bytes: int
    format: LineFormat = TEXT
    sha256: str | None = None
    url_lines: int | None = None
    line_rules: int = 1  # input.formats.RULES when the job was begun; the first had no number


class Manifest(msgspec.Struct):
    """The facts of a job, and its state."""

    job: str
    created_at: str  # ISO 8601, UTC
    input: InputFacts
    batch_size: int
    settings: dict[str, dict[str, Setting]]
    versions: dict[str, str]
    state: Literal["running", "complete"] = "running"
    output: Output = PLAIN
    selection: Selection | None = None  # None: all lines
    refresh: Refresh | None = None  # of an earlier job; None: not a refresh
    crawl: CrawlRules | None = None  # None: a list; else `input` holds the seeds
    share: Share = WHOLE  # of the batches, if the job has several sinks
    share_url_lines: int | None = None  # URL lines of the share, once they are known
    format: int = FORMAT

    @property
    def line_format(self) -> LineFormat:
        """The format of the job's lines; those of a crawl are in its log."""
        return self.input.format if self.crawl is None else LOG


def read(out: Path) -> Manifest | None:
    """The manifest in OUT; None if there is none. Raises DamageError, ConflictError."""
    path = out / MANIFEST_NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=known(Manifest))
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise DamageError(f"{path}: cannot be read as a manifest: {error}") from error
    if manifest.format not in _READABLE:
        raise ConflictError(f"{path}: made by another version of fetcher; choose another OUT")
    return manifest


def write(out: Path, manifest: Manifest) -> None:
    """Write the manifest durably, indented for people."""
    text = json.dumps(msgspec.to_builtins(manifest), indent=2, ensure_ascii=False)
    write_atomically(out / MANIFEST_NAME, text.encode() + b"\n")


def prepare(out: Path) -> None:
    """Make OUT if it is missing. Raises ConflictError if it holds other files."""
    make_dir(out, "-o")
    fsync_dir(out.absolute().parent)
    if (out / MANIFEST_NAME).exists() or (out / JOURNAL_NAME).exists():
        return  # it belongs to a job; other checks find out whether files are missing
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in _OURS)
    if foreign:
        raise ConflictError(
            f"{out} is not an output directory of fetcher (it holds {foreign[0]}); "
            "choose another, or an empty one"
        )


def how_begun(of: Manifest) -> str:
    """When and with what a job was begun: begun on 2026-01-31 12:00 UTC with /lists/urls.txt"""
    at = of.created_at.replace("T", " ")[:16]
    # Lines from a pipe are in OUT under another name.
    path = Path(of.input.path)
    given = of.input.path if path.name == Path(of.input.name).name else of.input.name
    return f"begun on {at} UTC with {given}"
