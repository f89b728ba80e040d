"""A finished line gets its row, whatever becomes of its body."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.interface import Fetch, Whole
from fetcher.frontier.rules import CrawlRules
from fetcher.model import Outcome, Result, Task
from fetcher.protocol.output_spec import Bodies, BodyNames, Output, RowForm
from fetcher.roles.worker import row_builder
from fetcher.roles.worker.lease_buffer import Made
from fetcher.roles.worker.lines import Line
from fetcher.roles.worker.page_reader import PageReader
from fetcher.roles.worker.parent import Parent
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.rows import jsonl, warc
from fetcher.rows.body_names import body_file
from fetcher.settings.schema import Settings

BODY = b"<p>a body</p>"
DIGEST = hashlib.sha256(BODY).hexdigest()
ROW = Result(1, "u", Outcome.OK, 200, body_bytes=len(BODY), sha256=DIGEST)
TASK = Task(1, "u")


def make(
    bodies: Bodies,
    row: Result = ROW,
    body: bytes | None = BODY,
    names: BodyNames = "sha256",
) -> Made:
    fetch = Whole(lambda _: row, TASK)
    fetch.body = body
    output = Output(bodies=bodies, body_names=names)
    return RowBuilder(Settings().worker).maker(output)(line(fetch), row)


def line(fetch: Fetch | None = None) -> Line:
    return Line(cast(Any, None), TASK, "", fetch)


def kept(
    bodies: Bodies, row: Result = ROW, body: bytes | None = BODY, names: BodyNames = "sha256"
) -> tuple[Result, bytes]:
    """The result as it is recorded, and what is kept of its body."""
    made = make(bodies, row, body, names)
    return made.result, made.body


def test_each_mode_says_in_the_row_where_the_body_is() -> None:
    assert kept("none") == (ROW, b"")
    inline = replace(ROW, body=BODY.decode(), body_is="text")
    assert make("inline") == Made(inline, jsonl.encode(inline), b"")
    filed = replace(ROW, body_file=f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}")
    assert make("files") == Made(filed, jsonl.encode(filed), BODY)


@pytest.mark.parametrize("rows", ["jsonl", "msgpack"])
def test_where_only_rows_are_kept_an_encoder_makes_the_same_rows(rows: RowForm) -> None:
    builder, output = RowBuilder(Settings().worker), Output(rows=rows)
    encode = builder.encoder(output)
    assert encode is not None
    assert Made(ROW, encode(ROW), b"") == builder.maker(output)(line(), ROW)


@pytest.mark.parametrize("bodies", ["inline", "files", "warc"])
def test_where_bodies_are_kept_too_an_encoder_is_not_enough(bodies: Bodies) -> None:
    assert RowBuilder(Settings().worker).encoder(Output(bodies=bodies)) is None


def test_a_bodys_file_has_the_extension_of_its_type_or_else_of_its_url() -> None:
    place = f"bodies/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"
    page = replace(ROW, content_type="text/html; charset=utf-8", final_url="http://a.test/x.png")
    assert make("files", page, names="typed").result.body_file == f"{place}.html"
    image = replace(page, content_type="application/octet-stream")
    assert make("files", image, names="typed").result.body_file == f"{place}.png"
    assert make("files", names="typed").result.body_file == f"{place}.bin"


@pytest.mark.parametrize("bodies", ["inline", "files", "warc"])
def test_a_line_that_brought_nothing_has_its_row_alone(bodies: Bodies) -> None:
    row = Result(1, "u", Outcome.TIMEOUT, error="late")
    assert make(bodies, row, None) == Made(row, jsonl.encode(row), b"")
    cut = replace(row, status=200, body_bytes=5)
    assert make(bodies, cut, None) == Made(cut, jsonl.encode(cut), b"")


def test_what_came_of_a_cut_body_is_kept() -> None:
    part = BODY[:5]
    cut = replace(ROW, outcome=Outcome.TIMEOUT, body_bytes=5, sha256=None, truncated=True)
    assert make("inline", cut, part).result == replace(cut, body=part.decode(), body_is="text")
    digest = hashlib.sha256(part).hexdigest()
    filed = replace(cut, body_file=body_file("typed", digest, None, None))
    assert kept("files", cut, part, "typed") == (filed, part)
    assert make("none", cut, part).result == cut


def test_an_empty_body_is_a_file_too() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    empty = replace(ROW, body_bytes=0, sha256=digest)
    filed = replace(empty, body_file=body_file("typed", digest, None, None))
    assert kept("files", empty, b"", "typed") == (filed, b"")


def test_what_cannot_be_kept_costs_the_body_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise UnicodeError("not\nthis")

    monkeypatch.setattr(warc, "records", fails)
    row, beside = kept("warc")
    assert (row.outcome, row.status, row.warc_id, beside) == (Outcome.OK, 200, UNSET, b"")
    assert row.error == "its body is not kept: UnicodeError: not this"
    row, _ = kept("warc", replace(ROW, outcome=Outcome.HTTP_ERROR, error="the server answered 404"))
    assert row.error == "the server answered 404; its body is not kept: UnicodeError: not this"


@pytest.mark.parametrize("bodies", ["inline", "files"])
def test_what_no_message_takes_is_not_kept(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(bodies)
    size = len(made.row) + len(made.body)
    monkeypatch.setattr(row_builder, "_MAX_BYTES", size)
    assert make(bodies).result.error is None
    monkeypatch.setattr(row_builder, "_MAX_BYTES", size - 1)
    made = make(bodies)
    row = made.result
    assert (row.body, row.body_is, row.body_file, made.body) == (UNSET, UNSET, UNSET, b"")
    assert row.error == f"its body is not kept: more than {size - 1} bytes with its row"
    assert jsonl.decode(made.row) == row


def test_a_fetch_keeps_what_the_job_asks_for() -> None:
    keeper = RowBuilder(Settings().worker)
    wanted: list[Bodies] = ["none", "inline", "files", "warc"]
    kept = [keeper.needed(bodies) for bodies in wanted]
    assert kept == [Keep.NOTHING, Keep.BODY, Keep.BODY, Keep.WIRE]


@pytest.mark.parametrize("body", [BODY, BODY + b"<a href=/x>", None])
def test_a_crawl_that_keeps_nothing_makes_the_same_rows_by_a_shorter_way(
    body: bytes | None,
) -> None:
    row = replace(
        ROW, url="http://a.test/", headers=[("Content-Type", "text/html")], content_type="text/html"
    )
    fetch = Whole(lambda _: row, TASK)
    fetch.body = body
    reader = PageReader(CrawlRules(title=True), Settings(), lambda _: (), lambda *_: None)
    builder = RowBuilder(Settings().worker)
    parent = Parent("")  # without an earlier job, which compares nothing
    short = builder.maker(Output(), "", reader)
    long = builder.maker(Output(), "", reader, parent)
    assert type(short) is not type(long)
    assert short(line(fetch), row) == long(line(fetch), row)
    assert bool(short(line(fetch), row).links) is (body != BODY and body is not None)
