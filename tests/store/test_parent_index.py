"""The index of OUT/parent."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.store.parent_index import ParentIndex, RowFile, load_index, write_index


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    row_file = RowFile("/out/results/1.jsonl", "jsonl", part=0)
    index = ParentIndex("job", ["/out"], [row_file], is_conditional=True, key_seed=7)
    write_index(tmp_path, index)
    assert load_index(tmp_path) == index


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"job": 1}', b"\xff"])
def test_an_index_that_is_missing_or_damaged_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(DamageError, match=rf"{tmp_path}/index.json: cannot be read"):
        load_index(tmp_path)
