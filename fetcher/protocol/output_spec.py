"""What a job's output is made of: decided once, by its first ventilator; all others are told."""

from __future__ import annotations

import functools
import uuid
from typing import Final, Literal

import msgspec

RowForm = Literal["jsonl", "msgpack"]
Compression = Literal["none", "zstd"]
Bodies = Literal["none", "inline", "files", "warc"]
BodyNames = Literal["sha256", "typed"]


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How rows are written, and what becomes of bodies."""

    rows: RowForm = "jsonl"
    compression: Compression = "none"
    bodies: Bodies = "none"
    warc_dedupe: bool = False
    # Of body files; see rows.body_names. Older versions began jobs without this key.
    body_names: BodyNames = "sha256"

    @property
    def suffix(self) -> str:
        """Of the files of rows."""
        return f".{self.rows}" + (".zst" if self.compression == "zstd" else "")

    def __str__(self) -> str:
        said = f"rows {self.rows}, compression {self.compression}, bodies {self.bodies}"
        return said + (", warc_dedupe true" if self.warc_dedupe else "")


PLAIN: Final = Output()
FIRST_WARC: Final = "part-00000.warc.gz"
_WARCINFOS: Final = uuid.UUID("6bd0a2c9-5f0f-4d0c-9e59-2f7c0a3a51d4")  # fetcher's own namespace


@functools.lru_cache(maxsize=256)
def warcinfo_id(job: str, sink: int, file: str = FIRST_WARC) -> str:
    """The WARC-Record-ID of what a WARC file of the job's n-th sink begins with.

    All records name that of the first file: a worker makes them before it is known which file they
    go to. It is computed, so that it is the same in each worker, and for a sink after a crash.
    """
    return f"<urn:uuid:{uuid.uuid5(_WARCINFOS, f'{job}/{sink}/{file}')}>"
