"""What a refresh may take over from the rows of the earlier job."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.model import Outcome, Result, Task
from fetcher.protocol.output_spec import Output
from fetcher.store import parent_files
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.parent_pages import ParentPage, ParentPages, updated
from fetcher.store.reader import read_part
from support import outs

BODY = b"body"
DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
BOTH = [("etag", 'W/"1"'), ("Last-Modified", DATE)]


def page(**changes: Any) -> Result:
    """The row of line 1: a page with both validators."""
    whole = replace(
        outs.row(1),
        final_url=outs.url_of(1),
        headers=BOTH,
        content_type="text/plain",
        body_bytes=len(BODY),
        sha256=hashlib.sha256(BODY).hexdigest(),
    )
    return replace(whole, **changes)


def pages_of(
    tmp_path: Path, *rows: Result, output: Output | None = None, bodies: str = "none"
) -> ParentPages:
    """The pages of a job with these rows, for a refresh that keeps bodies so."""
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    out = outs.make_out(tmp_path / "out", urls, rows, output=output or Output())
    again = tmp_path / "again"
    again.mkdir()
    parent_files.build(again, [read_part(out)], is_conditional=True)
    return ParentPages(again / PARENT_NAME, bodies)  # type: ignore[arg-type]


def only(pages: ParentPages) -> ParentPage | None:
    """The page of line 1."""
    return pages.of(Task(1, outs.url_of(1)))


def test_a_page_has_its_validators_as_conditions(tmp_path: Path) -> None:
    found = only(pages_of(tmp_path, page()))
    assert found is not None
    assert found.conditions == (("If-None-Match", 'W/"1"'), ("If-Modified-Since", DATE))
    assert (found.url, found.etag) == (outs.url_of(1), 'W/"1"')
    assert found.load()
    assert (found.body, found.links) == (None, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": Outcome.HTTP_ERROR, "status": 404},
        {"outcome": Outcome.HANDLER},
        {"sha256": None, "truncated": True},
    ],
)
def test_an_answer_that_was_not_complete_is_not_taken_over(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert only(pages_of(tmp_path, page(**changes))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": []},
        {"status": 203},
        {"status": 304},
        {"headers": [("ETag", '"1"'), ("ETag", '"2"')]},
        {"headers": [("ETag", '"' + "x" * 2000 + '"')]},
        {"headers": [("ETag", '"ä"')]},
    ],
)
def test_a_page_without_a_usable_validator_is_compared_and_not_asked_for(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    found = only(pages_of(tmp_path, page(**changes)))
    assert found is not None
    assert found.conditions == ()
    assert found.compared(page()).unchanged is True
    assert found.compared(page(sha256="0" * 64)).unchanged is UNSET
    assert found.compared(page(outcome=Outcome.HTTP_ERROR)).unchanged is UNSET


def test_a_page_that_was_unchanged_before_can_be_unchanged_again(tmp_path: Path) -> None:
    found = only(pages_of(tmp_path, page(status=304, unchanged=True)))
    assert found is not None
    assert found.conditions


def test_the_row_of_another_url_is_of_no_use(tmp_path: Path) -> None:
    with contextlib.closing(pages_of(tmp_path, page())) as pages:
        assert pages.of(Task(1, "http://test.invalid/other")) is None
        assert pages.of(Task(2, outs.url_of(2))) is None
        assert pages.of(Task(999, outs.url_of(1))) is None


KEPT: dict[str, tuple[Output, dict[str, Any]]] = {
    "none": (Output(), {}),
    "inline": (Output(bodies="inline"), {"body": "body", "body_is": "text"}),
    "files": (Output(bodies="files"), {"body_file": "ab/cd/abcd"}),
}


@pytest.mark.parametrize(
    ("kept", "wanted", "can_stand"),
    [
        ("none", "none", True),
        ("none", "inline", False),
        ("none", "files", False),
        ("none", "warc", False),
        ("inline", "none", True),
        ("inline", "files", True),
        ("inline", "warc", False),
        ("files", "inline", True),
    ],
)
def test_a_page_stands_for_an_answer_where_its_body_can_be_kept(
    tmp_path: Path, kept: str, wanted: str, can_stand: bool
) -> None:
    output, fields = KEPT[kept]
    found = only(pages_of(tmp_path, page(**fields), output=output, bodies=wanted))
    assert found is not None
    assert bool(found.conditions) == can_stand
    if kept == "inline" and wanted == "files":
        assert found.load()
        assert found.body == BODY
    if kept == "files":
        assert not found.load(), "there is no such file"


def test_a_row_that_is_confirmed_has_the_facts_of_the_page_and_of_the_new_answer(
    tmp_path: Path,
) -> None:
    kept: dict[str, Any] = {
        "error": "its links: none",
        "title": "t",
        "extra": {"a": 1},
        "body": "body",
        "body_is": "text",
    }
    pages = pages_of(tmp_path, page(**kept), output=Output(bodies="inline"))
    found = only(pages)
    assert found is not None
    answer = Result(
        *(1, outs.url_of(1), Outcome.OK, 304),
        headers=[("ETag", 'W/"1"'), ("Date", "now"), ("Content-Length", "0")],
        body_bytes=0,
        wire_bytes=0,
        sha256=hashlib.sha256(b"").hexdigest(),
    )
    row = found.confirmed(answer)
    assert (row.status, row.unchanged, row.wire_bytes) == (304, True, 0)
    assert (row.sha256, row.body_bytes, row.content_type) == (
        hashlib.sha256(BODY).hexdigest(),
        len(BODY),
        "text/plain",
    )
    assert (row.title, row.extra, row.error) == ("t", {"a": 1}, "its links: none")
    assert row.headers == [("Last-Modified", DATE), ("ETag", 'W/"1"'), ("Date", "now")]
    assert row.body is UNSET, "the row builder puts it into the row"


def test_headers_are_updated_but_for_those_of_the_body_and_the_connection() -> None:
    old = [
        ("Content-Type", "a"),
        ("X-Robots-Tag", "none"),
        ("Vary", "1"),
        ("Content-Encoding", "br"),
    ]
    new = [
        ("X-Robots-Tag", "all"),
        ("vary", "2"),
        ("Content-Type", "b"),
        ("Connection", "close"),
        ("Age", "3"),
    ]
    assert updated(old, new) == [
        ("Content-Type", "a"),
        ("X-Robots-Tag", "none"),
        ("Content-Encoding", "br"),
        ("vary", "2"),
        ("Age", "3"),
    ]
