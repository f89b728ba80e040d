"""The state of one lease in a worker."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher import bitset
from fetcher.input.formats import TEXT, LineFormat
from fetcher.model import Outcome, Result
from fetcher.protocol import chunk_frames, messages
from fetcher.roles.worker.lease_buffer import LeaseBuffer


def buffer_of(mask: int, urls: bytes, skip: int = 0, of: LineFormat = TEXT) -> LeaseBuffer:
    tasks = messages.Tasks(
        job="j",
        lease=1,
        batch=2,
        batch_mask=b"\xff",
        first_line=17,
        mask=bitset.pack(mask),
        format=of,
    )
    return LeaseBuffer(tasks, urls, "w", skip)


@pytest.mark.parametrize(
    ("mask", "urls", "lines"),
    [
        (0b111, b"a\nb\nc", {17: "a", 18: "b", 19: "c"}),
        (0b101, b"a\nc", {17: "a", 19: "c"}),
        (0b1000_0000, b"h", {24: "h"}),
    ],
)
def test_tasks_are_the_lines_of_the_mask(mask: int, urls: bytes, lines: dict[int, str]) -> None:
    assert {task.line: task.url for task in buffer_of(mask, urls).tasks()} == lines


def test_tasks_are_made_by_the_format_that_came_with_them() -> None:
    buffer = buffer_of(0b11, b'{"url":"http://a","id":7}\nhttp://b', of=LineFormat("jsonl"))
    first, second = buffer.tasks()
    assert (first.url, first.id, first.fault) == ("http://a", 7, None)
    assert second.fault is not None


def test_lines_in_flight_under_another_lease_are_skipped() -> None:
    buffer = buffer_of(0b111, b"a\nb\nc", skip=0b010)
    assert [task.line for task in buffer.tasks()] == [17, 19]
    assert buffer.outstanding == 0b101


@pytest.mark.parametrize("urls", [b"a", b"a\nb\nc\nd", b""])
def test_urls_that_do_not_agree_with_the_mask_are_an_error(urls: bytes) -> None:
    with pytest.raises(ValueError, match="zip"):
        list(buffer_of(0b111, urls).tasks())


def test_an_empty_body_is_reported_once() -> None:
    buffer = buffer_of(0b111, b"a\nb\nc")
    row = Result(17, "a", Outcome.OK, 200, body_file="e3/b0/e3b0")
    buffer.finish(row, b"{a}\n")
    buffer.finish(replace(row, line=18), b"{b}\n", b"body")
    buffer.finish(Result(19, "c", Outcome.TIMEOUT), b"{c}\n")
    chunk = buffer.take_chunk()
    assert chunk is not None
    assert (chunk.kept_bytes, chunk.empty) == ([0, 4, 0], [17])
    buffer.finish(Result(17, "a", Outcome.OK, 200), b"{a}\n")
    again = buffer.take_chunk()
    assert again is not None and again.empty == []


def test_finished_rows_leave_as_one_chunk_and_once() -> None:
    buffer = buffer_of(0b11, b"a\nb")
    assert buffer.take_chunk() is None
    assert buffer.finish(Result(18, "b", Outcome.HTTP_ERROR, 404, body_bytes=3), b"{b}\n") == 1
    assert buffer.finish(Result(17, "a", Outcome.DNS), b"{a}\n") == 2
    assert buffer.outstanding == 0
    chunk = buffer.take_chunk()
    assert chunk is not None
    assert (chunk.lines, chunk.statuses, chunk.body_bytes) == ([18, 17], [404, 0], [3, 0])
    assert (chunk.row_bytes, chunk.rows) == ([4, 4], b"{b}\n{a}\n")
    chunk_frames.check_chunk(*chunk_frames.chunk_parts(chunk), 8, 3)
    assert buffer.take_chunk() is None
