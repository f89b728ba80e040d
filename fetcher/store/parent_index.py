"""The index of OUT/parent: the files of the earlier job that a refresh reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from fetcher.errors import DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.known_types import known
from fetcher.protocol.output_spec import RowForm
from fetcher.store.disk import disk_errors

_NAME: Final = "index.json"


class RowFile(msgspec.Struct, frozen=True):
    """A file of rows that is not compressed; `part`: index of its OUT."""

    path: str
    form: RowForm
    part: int


class ParentIndex(msgspec.Struct, frozen=True):
    """The content of index.json; paths are absolute."""

    job: str
    outs: list[str]
    rows: list[RowFile]
    is_conditional: bool  # whether validators may be sent at all
    records: list[str] = []  # WARC files
    crawl: CrawlRules | None = None
    key_seed: int = 0  # of the keys of a crawl
    log: list[str] = []
    links: list[str] = []


def load_index(folder: Path) -> ParentIndex:
    """The index of a folder that parent_files.build made. Raises DamageError."""
    path = folder / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=known(ParentIndex))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamageError(f"{path}: cannot be read: {error}") from error


def write_index(folder: Path, index: ParentIndex) -> None:
    """Write the index into the folder. Raises NoSpaceError."""
    path = folder / _NAME
    with disk_errors(path):
        path.write_bytes(msgspec.json.encode(index))
