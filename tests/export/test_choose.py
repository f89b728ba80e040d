"""Rows are chosen by outcome or status."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.export.choose import is_wanted, wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome
from support import outs


@pytest.mark.parametrize(
    ("outcomes", "statuses", "outcome", "status", "wanted"),
    [
        ("timeout", None, Outcome.TIMEOUT, None, True),
        ("timeout", None, Outcome.DNS, None, False),
        (None, "5xx", Outcome.HTTP_ERROR, 503, True),
        (None, "5xx", Outcome.HTTP_ERROR, 404, False),
        (None, "404", Outcome.HTTP_ERROR, 404, True),
        ("dns", "404", Outcome.HTTP_ERROR, 404, True),
        ("dns", "404", Outcome.DNS, None, True),
        ("dns", "404", Outcome.OK, 200, False),
        (None, "2xx", Outcome.TIMEOUT, 200, True),
    ],
)
def test_a_row_is_wanted_for_its_outcome_or_for_its_status(
    outcomes: str | None, statuses: str | None, outcome: Outcome, status: int | None, wanted: bool
) -> None:
    row = outs.row(1, outcome, status)
    assert is_wanted(parse(outcomes, statuses))(row) == wanted


def test_the_lines_of_wanted_rows_are_counted_from_zero(tmp_path: Path) -> None:
    rows = [outs.row(1), outs.row(2, Outcome.DNS), outs.row(3), outs.row(9, Outcome.DNS)]
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 9), rows)
    found = wanted_lines(Merged([out], partial=True), parse("dns", None))
    assert [line for line in range(12) if line in found] == [1, 8]
