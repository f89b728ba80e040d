"""What a job's output is made of: decided once, by its first ventilator; all others are told."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

RowForm = Literal["jsonl", "msgpack"]
Compression = Literal["none", "zstd"]
Bodies = Literal["none", "inline", "files", "warc"]


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How rows are written, and what becomes of bodies."""

    rows: RowForm = "jsonl"
    compression: Compression = "none"
    bodies: Bodies = "none"

    @property
    def suffix(self) -> str:
        """Of the files of rows."""
        return f".{self.rows}" + (".zst" if self.compression == "zstd" else "")

    def __str__(self) -> str:
        return f"rows {self.rows}, compression {self.compression}, bodies {self.bodies}"


PLAIN: Final = Output()


def body_path(digest: str) -> str:
    """Where below OUT/bodies the body with this sha256 is: shards that no directory outgrows."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
