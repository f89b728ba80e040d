"""Several OUTs of one input are merged; OUTs that do not fit are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome, Result
from fetcher.protocol.shard import Share
from fetcher.store.reader import read_part
from fetcher.store.selection import keep
from support import outs

LINES = 20
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """OUTs of one input of 20 lines."""
    urlfile = outs.write_input(tmp_path / "urls.txt", LINES)

    def made(name: str, rows: list[Result], parent: Path | None = None) -> Path:
        out = tmp_path / name
        selection = None
        if parent is not None:
            out.mkdir()
            merged = Merged([parent], partial=False)
            wanted = parse("timeout", None)
            indexes = wanted_lines(merged, wanted)
            selection = keep(out, indexes, merged.parts, wanted)
        return outs.make_out(out, urlfile, rows, selection=selection)

    return made


def whole(*late: int) -> list[Result]:
    return [
        outs.row(line, Outcome.TIMEOUT if line in late else Outcome.OK)
        for line in range(1, LINES + 1)
    ]


def test_the_latest_row_of_a_line_counts_and_each_line_is_there_once(make: Make) -> None:
    first = make("first", whole(3, 9, 10))
    late = [outs.row(3), outs.row(9, Outcome.TIMEOUT), outs.row(10, Outcome.DNS)]
    second = make("second", late, first)
    third = make("third", [outs.row(9, Outcome.HTTP_ERROR)], second)
    merged = Merged([first, second, third], partial=False)
    found = {row.result.line: row.result.outcome.value for row in merged.rows()}
    expected = dict.fromkeys(range(1, LINES + 1), "ok")
    assert found == {**expected, 9: "http_error", 10: "dns"}
    assert merged.replaced == 4
    assert sum(1 for _ in Merged([first, second, third], partial=False).rows()) == LINES


def test_outs_that_do_not_belong_together_or_in_this_order_are_refused(
    make: Make, tmp_path: Path
) -> None:
    first = make("first", whole(3))
    second = make("second", [outs.row(3)], first)
    other_input = outs.write_input(tmp_path / "other.txt", LINES - 1)
    rows = [outs.row(line) for line in range(1, LINES)]
    other = outs.make_out(tmp_path / "other", other_input, rows)
    with pytest.raises(ConflictError, match=r"other is not of the input that .*first is of"):
        Merged([first, other], partial=False)
    with pytest.raises(UsageError, match=r"first: name it before .*second, which retries it"):
        Merged([second, first], partial=False)
    with pytest.raises(UsageError, match="is named twice"):
        Merged([first, second, first], partial=False)


def test_a_run_that_has_not_ended_is_refused_without_partial(make: Make, tmp_path: Path) -> None:
    out = make("half", whole()[:8])
    with pytest.raises(UsageError, match=r"the run has not ended \(8 of 20 lines"):
        Merged([out], partial=False)
    assert len(list(Merged([out], partial=True).rows())) == 8
    with pytest.raises(UsageError, match="no job was begun here"):
        Merged([tmp_path], partial=True)


def test_the_outs_of_a_jobs_sinks_are_one_and_all_must_be_named(tmp_path: Path) -> None:
    urlfile = outs.write_input(tmp_path / "urls.txt", LINES)
    one = outs.make_out(tmp_path / "one", urlfile, whole(3, 11), share=Share(0, 2))
    job = read_part(one).manifest.job
    two = outs.make_out(tmp_path / "two", urlfile, whole(3, 11), share=Share(1, 2), job=job)
    merged = Merged([one, two], partial=False)
    assert sorted(row.result.line for row in merged.rows()) == list(range(1, LINES + 1))
    assert merged.replaced == 0
    assert wanted_lines(merged, parse("timeout", None)).count() == 2
    with pytest.raises(UsageError, match="name the OUT of sink 1 of 2 as well"):
        Merged([two], partial=False)
    assert len(list(Merged([two], partial=True).rows())) == 8
    with pytest.raises(UsageError, match="is named twice"):
        Merged([one, two, one], partial=False)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (
            lambda raw: raw.replace(b'"outcome":"ok"', b'"outcome":"KO"', 1),
            "byte 0: is not a valid row",
        ),
        (lambda raw: raw.replace(b'"line":1,', b'"line":9999', 1), "is not a valid row"),
        (lambda raw: raw.replace(b'"line":10,', b'"line":99,', 1), "there was no line 99"),
        (lambda raw: raw[:-30], "bytes were committed, but only"),
    ],
)
def test_damage_is_named(make: Make, damage: Callable[[bytes], bytes], why: str) -> None:
    out = make("out", whole())
    part = out / "results" / "part-00000.jsonl"
    part.write_bytes(damage(part.read_bytes()))
    with pytest.raises(DamageError, match=why):
        list(Merged([out], partial=False).rows())
