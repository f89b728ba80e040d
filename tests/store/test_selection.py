"""A selection read from disk is the set that was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher import bitset
from fetcher.bitset import IdSet
from fetcher.commit.committer import Recovered
from fetcher.errors import DamageError
from fetcher.input.selection import RETRYABLE
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.totals import Totals
from fetcher.store.journal import JournalView
from fetcher.store.journal_tables import Facts
from fetcher.store.manifest import InputFacts, Manifest
from fetcher.store.reader import Part
from fetcher.store.selection import SelectedLines, keep

_MANIFEST = Manifest("job", "now", InputFacts("n", "/n", 9), 4, {}, {})
_FACTS = Facts(Totals(), SourceInfo(), None, None)
_VIEW = JournalView(Recovered(IdSet(), {}, Totals()), {}, SourceInfo(), [], None, None, _FACTS)
PARENTS = [Part(Path("/one"), _MANIFEST, _VIEW), Part(Path("/other one"), _MANIFEST, _VIEW)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, 300)), st.integers(1, 320), st.integers(0, 90))
def test_the_mask_of_any_run_of_lines_is_theirs(
    tmp_path: Path, lines: set[int], first: int, count: int
) -> None:
    indexes = IdSet()
    for line in lines:
        indexes.add(line - 1)
    of = keep(tmp_path, indexes, PARENTS, RETRYABLE)
    assert (of.lines, of.parent, of.parent_job) == (len(lines), "/one '/other one'", "job")
    found = SelectedLines(tmp_path, of).mask(first, count)
    assert [first + k for k in bitset.offsets(found)] == sorted(
        line for line in lines if first <= line < first + count
    )


def test_the_file_is_small_where_lines_are_many(tmp_path: Path) -> None:
    indexes = IdSet()
    indexes.add(1_000_000 - 1)
    keep(tmp_path, indexes, PARENTS, RETRYABLE)
    assert (tmp_path / "selection.bits").stat().st_size == pytest.approx(125_000, abs=1)


def test_a_file_that_changed_or_is_gone_is_damage(tmp_path: Path) -> None:
    indexes = IdSet()
    indexes.add(4)
    of = keep(tmp_path, indexes, PARENTS, RETRYABLE)
    path = tmp_path / "selection.bits"
    path.write_bytes(b"\x11")
    with pytest.raises(DamageError, match="holds other lines than the job was begun with"):
        SelectedLines(tmp_path, of)
    path.unlink()
    with pytest.raises(DamageError, match=r"No such file .* which lines the job retries: restore"):
        SelectedLines(tmp_path, of)
