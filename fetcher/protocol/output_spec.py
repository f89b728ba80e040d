"""The form of a job's output: decided once by the first ventilator, and sent to all roles."""

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
    """How rows and bodies are stored; see the settings of [output]."""

    rows: RowForm = "jsonl"
    compression: Compression = "none"
    bodies: Bodies = "none"
    warc_dedupe: bool = False
    # The form of body files' names; see rows.body_names. Jobs of older versions lack this key.
    body_names: BodyNames = "sha256"

    @property
    def suffix(self) -> str:
        """The suffix of the files of rows."""
        return f".{self.rows}" + (".zst" if self.compression == "zstd" else "")

    def __str__(self) -> str:
        text = f"rows {self.rows}, compression {self.compression}, bodies {self.bodies}"
        return text + (", warc_dedupe true" if self.warc_dedupe else "")


PLAIN: Final = Output()
FIRST_WARC: Final = "part-00000.warc.gz"
_WARCINFOS: Final = uuid.UUID("6bd0a2c9-5f0f-4d0c-9e59-2f7c0a3a51d4")  # our own namespace


@functools.lru_cache(maxsize=256)
def warcinfo_id(job: str, sink: int, file: str = FIRST_WARC) -> str:
    """The WARC-Record-ID of the warcinfo record at the start of a WARC file; `sink`: its number.

    All records refer to the warcinfo of the first file, because a worker makes a record before its
    file is known. The id is computed from the names, so that all workers, and a sink after a crash,
    use the same one.
    """
    return f"<urn:uuid:{uuid.uuid5(_WARCINFOS, f'{job}/{sink}/{file}')}>"
