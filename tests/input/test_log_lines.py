"""The lines of a crawl's log: written by the sink, read by ventilator, worker and verify."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fetcher.input import formats, log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import Fault, Found, Outcome, Result, Task

task_of = formats.decoder(formats.LOG)


def test_a_line_becomes_a_task_that_knows_how_it_was_found() -> None:
    line = LogLine("http://a.test/", 3, 2, "redirect", 1)
    assert task_of(9, log_lines.encode(line)) == Task(
        9, "http://a.test/", found=Found(2, 3, "redirect", 1)
    )
    assert task_of(9, log_lines.encode(LogLine("http://b.test/", 3, foreign=True))).is_foreign


def test_a_request_of_a_handler_reaches_the_task() -> None:
    line = LogLine("u", method="post", headers=(("X", "y"),), body=b"\x00\xff", id=7, route="api")
    task = task_of(1, log_lines.encode(line))
    assert (task.method, task.headers, task.body, task.id) == (
        "POST",
        (("X", "y"),),
        b"\x00\xff",
        7,
    )
    assert task.found == Found()


@pytest.mark.parametrize(
    "line", [LogLine("u", method="A B"), LogLine("u", headers=(("Host", "b"),))]
)
def test_a_request_that_cannot_be_sent_is_a_fault(line: LogLine) -> None:
    task = task_of(1, log_lines.encode(line))
    assert task.fault is not None and task.url == "u"


@given(st.binary(max_size=50))
def test_any_bytes_give_one_task(raw: bytes) -> None:
    assert task_of(5, raw).line == 5


def test_a_seed_keeps_its_request_and_an_invalid_seed_its_text() -> None:
    seed = Task(4, "http://a.test/", None, "PUT", (("A", "b"),), b"x", "n")
    assert task_of(1, log_lines.seed_of(seed)) == Task(
        1, "http://a.test/", None, "PUT", (("A", "b"),), b"x", "n", found=Found()
    )
    wrong = Task(5, "http://a.test/", Fault("k", "m"), id=7)
    assert task_of(2, log_lines.seed_of(wrong)) == Task(
        2, "http://a.test/", Fault("k", "m"), id=7, found=Found()
    )


def test_a_row_says_how_its_line_was_found() -> None:
    row = formats.named(Result(1, "u", Outcome.OK), Task(1, "u", found=Found(2, 3, "a", 1)))
    assert (row.depth, row.found_on, row.via) == (2, 3, "a")


@settings(deadline=None)
@given(
    st.lists(st.text('ab/?"\\ \x7f\u00e9\u2028', max_size=5) | st.text(max_size=5)),
    st.sampled_from([LogLine("x", 3, 1, "a"), LogLine(""), LogLine("", body=b"\x00", id="i")]),
)
def test_lines_that_differ_only_in_their_urls_are_the_same_together(
    urls: list[str], like: LogLine
) -> None:
    one_by_one = [log_lines.encode(replace(like, url=url)) + b"\n" for url in urls]
    texts = [url.encode() for url in urls]
    assert log_lines.encode_alike(texts, like) == b"".join(one_by_one)


def test_the_url_alone_is_that_of_the_line() -> None:
    line = LogLine('http://a.test/\u00e9"', 3, 2, "a", headers=(("X", "y"),), body=b"\x00", id=7)
    assert log_lines.url_of(log_lines.encode(line)) == line.url
