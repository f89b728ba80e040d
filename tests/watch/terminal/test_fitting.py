"""What is left out where a terminal is narrow, and that what is there is whole."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.text import Text

from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.watch import summary
from fetcher.watch.terminal import job_text, live_line
from fetcher.watch.terminal.fitting import (
    Column,
    FittingTable,
    Name,
    Parts,
    columns_that_fit,
    cut_middle,
    parts_that_fit,
    port_columns,
)


def printed(what: RenderableType, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(what)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "width", "tail", "cut"),
    [
        ("short.test:80", 13, 3, "short.test:80"),
        ("long-name.test:8080", 12, 5, "long-n…:8080"),
        ("abcdefghij", 5, 0, "ab…ij"),
        ("abcdefghij", 5, 4, "…ghij"),
        ("abcdefghij", 3, 9, "…ij"),
        ("abcdefghij", 1, 0, "…"),
        ("abcdefghij", 0, 0, ""),
    ],
)
def test_a_text_is_cut_in_its_middle(text: str, width: int, tail: int, cut: str) -> None:
    assert cut_middle(text, width, tail) == cut


@given(st.text(max_size=30), st.integers(0, 40), st.integers(0, 8))
def test_a_cut_text_is_never_too_wide(text: str, width: int, tail: int) -> None:
    shown = cut_middle(text, width, tail)
    assert cell_len(shown) <= max(width, 0)
    assert shown == text or "…" in shown or not width


@pytest.mark.parametrize(
    ("host", "columns"),
    [("a.test:80", 3), ("a.test", 0), ("[::1]", 0), ("a:655350", 0), ("a:b", 0), ("", 0), (":", 0)],
)
def test_a_port_is_known_by_its_colon_and_its_digits(host: str, columns: int) -> None:
    assert port_columns(host) == columns


def test_parts_that_do_not_fit_are_left_out_and_shorter_ones_take_their_place() -> None:
    parts = [Text(text) for text in ("12,345 lines", "a very long part", "7 left")]
    assert parts_that_fit(parts, 50).plain == "12,345 lines · a very long part · 7 left"
    assert parts_that_fit(parts, 25).plain == "12,345 lines · 7 left"
    assert parts_that_fit(parts, 12).plain == "12,345 lines"
    assert parts_that_fit(parts, 7).plain == "7 left"
    assert printed(Parts(["12,345 lines"]), 5) == ["12,3…"], "better than nothing"
    assert parts_that_fit([], 5).plain == ""


def test_columns_go_by_rank_and_then_from_the_right() -> None:
    assert columns_that_fit([8, 5, 5, 5], [0, 0, 0, 0], 29, 2) == [0, 1, 2, 3]
    assert columns_that_fit([8, 5, 5, 5], [0, 0, 0, 0], 28, 2) == [0, 1, 2]
    assert columns_that_fit([8, 5, 5, 5], [0, 1, 3, 2], 20, 2) == [0, 1]
    assert columns_that_fit([8, 5, 5, 5], [0, 9, 0, 0], 28, 2) == [0, 2, 3]
    assert columns_that_fit([8, 5], [0, 0], 1, 2) == [0]


def test_a_table_cuts_names_before_it_leaves_out_numbers_and_no_number() -> None:
    table = FittingTable([Column("host", least=6), Column("lines"), Column("failed")])
    table.add_row(Name("a.long.name.test:8080"), "1,234,567", "12")
    rows = [printed(table, width)[1].split() for width in (60, 28, 21, 8)]
    assert rows == [
        ["a.long.name.test:8080", "1,234,567", "12"],
        ["a.l…:8080", "1,234,567", "12"],
        ["a.lo…:8080", "1,234,567"],
        ["a.…:8080"],
    ]


@pytest.mark.parametrize("width", [20, 30, 40, 80])
def test_the_summary_and_the_status_fit(width: int) -> None:
    totals = Totals(1_234_567, {"ok": 1_000_000, "invalid_url": 234_567}, {}, 0)
    lines = printed(summary.table(totals), width)
    (ok, million), (invalid, others) = (line.split()[:2] for line in lines[2:])
    assert (ok, million, others) == ("ok", "1,000,000", "234,567")
    assert invalid.startswith("invalid")
    assert ("81.0 %" in lines[2]) == (width > 20)
    member = messages.Member("host-12345-1", 0.25, 400, 21, 17, 2_345, 12, 987_654, 2.5)
    shown = job_text.workers([member])
    head, _, row = printed(shown, width)
    assert len(head) <= width
    assert "21/400" in row
    told = ["0.2", "s", "21/400", "17", "2,345", "12", "987,654", "2.5", "0.00", "s"]
    assert set(row.split()[1:]) <= set(told)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (20, "50% · 10,000 lines"),
        (40, "50% · 10,000 lines · 100/s · 1 left"),
        (60, "━━━━━━━━━━           50% · 10,000 lines · 100/s · 1 left"),
    ],
)
def test_the_line_of_a_run_leaves_out_its_bar_and_whole_numbers(width: int, line: str) -> None:
    shown = Progress(live_line.Line())
    task = shown.add_task("", total=20, completed=10)
    numbers = ["10,000 lines", "100/s", "a part that is much too long for it all", "1 left"]
    shown.update(task, numbers=numbers)
    assert printed(live_line.Line().render(shown.tasks[0]), width) == [line]
