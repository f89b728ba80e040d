"""A worker of a refresh compares new answers with the earlier job, and lives without it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from fetcher.model import Task
from fetcher.roles.worker.parent import Parent
from fetcher.store import parent_files
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.reader import read_part
from support import outs

PAGE = replace(outs.row(1), sha256="a" * 64, headers=[("ETag", "1")])


def line(previous: object = None, confirmed: object = None) -> Any:
    """A line of a lease, whose fetch has read the earlier page, and may have confirmed it."""
    fetch = SimpleNamespace(previous=previous, confirmed=confirmed)
    return SimpleNamespace(task=Task(1, outs.url_of(1)), fetch=fetch)


def parent(tmp_path: Path) -> Parent:
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 1), [PAGE])
    (tmp_path / "again").mkdir()
    parent_files.build(tmp_path / "again", [read_part(out)], is_conditional=True)
    return Parent(str(tmp_path / "again" / PARENT_NAME))


def test_the_same_body_is_unchanged_and_another_one_is_not(tmp_path: Path) -> None:
    of = parent(tmp_path)
    previous_of = of.previous_of("none")
    assert previous_of is not None
    page = previous_of(Task(1, outs.url_of(1)))
    assert page is not None
    assert of.compared(line(), PAGE) == (None, PAGE), "the fetch has looked for the page"
    assert of.compared(line(page), PAGE) == (None, replace(PAGE, unchanged=True))
    for other in (replace(PAGE, sha256="b" * 64), replace(PAGE, sha256=None)):
        assert of.compared(line(page), other)[1].unchanged is UNSET
    assert of.compared(SimpleNamespace(task=Task(1, "u"), fetch=None), PAGE)[1] == PAGE  # type: ignore[arg-type]


def test_a_page_that_the_answer_confirms_is_taken(tmp_path: Path) -> None:
    of = parent(tmp_path)
    of.previous_of("none")
    page = object()
    assert of.compared(line(page, confirmed=page), PAGE) == (page, PAGE)


def test_another_job_has_no_earlier_pages() -> None:
    of = Parent("")
    assert of.previous_of("none") is None
    assert of.compared(line(), PAGE) == (None, PAGE)


def test_without_its_folder_all_lines_are_fetched_in_full(tmp_path: Path) -> None:
    of = Parent(str(tmp_path / "missing"))
    assert of.previous_of("files") is None
    assert of.previous_of("files") is None
    assert of.compared(line(), PAGE) == (None, PAGE)
