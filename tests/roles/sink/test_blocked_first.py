"""When the hint about private and loopback addresses is given."""

from __future__ import annotations

import pytest

from fetcher.fetch.address_guard import Guard
from fetcher.model import Chunk, Outcome, Result
from fetcher.protocol.output_spec import RowForm
from fetcher.protocol.totals import Totals
from fetcher.roles.sink.blocked_first import ENOUGH, BlockedFirst
from support.chunks import chunk_of_rows

LOOPBACK = Guard(()).refusal("127.0.0.1")
NO_ROWS = Totals()


def chunk(
    *errors: str | None, outcome: Outcome = Outcome.BLOCKED, form: RowForm = "jsonl"
) -> Chunk:
    """Rows with these errors, of lines from 1 on."""
    results = [Result(n, "http://a/", outcome, error=text) for n, text in enumerate(errors, 1)]
    return chunk_of_rows(results, form)


def hint(rows: int, *chunks: Chunk, is_all: bool = False, before: Totals = NO_ROWS) -> str:
    first = BlockedFirst("jsonl", before, "my out/", is_crawl=False)
    for each in chunks:
        first.note(each)
    return first.hint(rows, is_all=is_all)


def test_it_waits_for_twenty_rows_or_for_all_of_a_smaller_job_and_speaks_once() -> None:
    first = BlockedFirst("jsonl", NO_ROWS, "my out/", is_crawl=False)
    for rows in range(1, ENOUGH):
        first.note(chunk(LOOPBACK))
        assert first.hint(rows, is_all=False) == ""
    first.note(chunk(LOOPBACK))
    said = first.hint(ENOUGH, is_all=False)
    assert said.startswith("all 20 rows so far are blocked") and "--own-servers" in said
    assert "fetcher retry 'my out/' -o 'my out2' --outcome blocked --own-servers" in said
    assert "guard.allow" in said
    assert first.hint(ENOUGH, is_all=True) == ""
    assert hint(3, chunk(*[LOOPBACK] * 3), is_all=True).startswith("all 3 rows so far are blocked")
    assert hint(3, chunk(*[LOOPBACK] * 3)) == ""
    assert hint(1, chunk(LOOPBACK), is_all=True).startswith("the only row so far is blocked")


def test_a_crawl_is_begun_again_as_a_retry_follows_no_links() -> None:
    first = BlockedFirst("jsonl", NO_ROWS, "my out/", is_crawl=True)
    first.note(chunk(LOOPBACK))
    said = first.hint(1, is_all=True)
    assert "crawl the seeds again with `-o 'my out2' --own-servers`" in said
    assert "fetcher retry" not in said


@pytest.mark.parametrize("form", ["jsonl", "msgpack"])
def test_rows_of_each_form_are_read(form: RowForm) -> None:
    first = BlockedFirst(form, NO_ROWS, "my out/", is_crawl=False)
    first.note(chunk(LOOPBACK, form=form))
    assert first.hint(1, is_all=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"]
)
def test_addresses_that_the_option_opens_count(address: str) -> None:
    assert hint(1, chunk(Guard(()).refusal(address)), is_all=True)


@pytest.mark.parametrize(
    "error",
    [
        Guard(()).refusal("169.254.169.254"),  # which the option leaves closed
        Guard(()).refusal("224.0.0.1"),
        "redirected to a 'ftp' address",
        "redirected (307) to another origin, a:80 by http, which may not have the request's body",
        "not.an.address is told (guard.allow opens it)",
        "",
        None,
    ],
)
def test_other_reasons_do_not_count(error: str | None) -> None:
    assert hint(2, chunk(LOOPBACK, error), is_all=True) == ""


def test_a_row_of_another_outcome_among_the_first_ends_it() -> None:
    blocked, other = chunk(*[LOOPBACK] * 30), chunk(None, outcome=Outcome.OK)
    assert hint(30, blocked)
    assert hint(31, other, blocked) == ""
    assert hint(31, blocked, other) == ""
    assert hint(31, blocked, before=Totals(1, {"dns": 1})) == ""
    assert hint(31, blocked, before=Totals(1, {"blocked": 1}))


def test_a_complete_job_that_is_resumed_has_nothing_to_say() -> None:
    assert hint(30, is_all=True, before=Totals(30, {"blocked": 30})) == ""
