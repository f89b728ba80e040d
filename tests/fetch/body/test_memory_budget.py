"""Bodies that are kept: what they take of memory is bounded, and waiting for room costs no row."""

from __future__ import annotations

import gzip
import random

import pytest

from fetcher.model import Outcome
from support.fetching import fetch
from support.scripted import Script, answer, scripted

MB = 1024 * 1024
BODY = random.Random(1).randbytes(4 * MB)
BUDGET = {"worker": {"max_body_memory": 16 * MB}}


def test_bodies_that_are_kept_stay_within_the_budget_and_all_come_whole() -> None:
    with scripted({"/": Script(answer(BODY))}) as server:
        urls = [server.url(f"/?{number}") for number in range(30)]
        done = fetch(urls, pool=30, sections=BUDGET, capture=True, row_s=0.05)
    assert {(r.outcome, r.body_bytes) for r in done.results} == {(Outcome.OK, len(BODY))}
    assert done.peak_bytes - done.base_bytes < 60 * MB, "120 MB without a budget"


def test_a_body_larger_than_the_budget_is_read_by_itself() -> None:
    sections = {"worker": {"max_body_memory": MB}}
    with scripted({"/": Script(answer(BODY))}) as server:
        urls = [server.url(f"/?{number}") for number in range(5)]
        done = fetch(urls, pool=5, sections=sections, capture=True)
    assert [result.outcome for result in done.results] == [Outcome.OK] * 5


def test_the_time_that_a_transfer_waits_for_room_is_not_the_servers() -> None:
    # Each waits for the rows of those before it: with 1.5 s each, for longer than any limit allows.
    sections = {"worker": {"max_body_memory": MB}}
    with scripted({"/": Script(answer(BODY))}) as server:
        urls = [server.url(f"/?{number}") for number in range(6)]
        done = fetch(
            urls,
            pool=6,
            sections=sections,
            capture=True,
            row_s=1.5,
            total_timeout_s=4.0,
            low_speed_s=4.0,
        )
    assert [(r.outcome, r.error) for r in done.results] == [(Outcome.OK, None)] * 6
    assert done.took_s > 7.2, "they waited for each other"


def test_packed_bodies_are_read_whole_after_a_pause() -> None:
    packed = gzip.compress(BODY, 1)
    with scripted({"/": Script(answer(packed, "Content-Encoding: gzip"))}) as server:
        urls = [server.url(f"/?{number}") for number in range(8)]
        sections = {"worker": {"max_body_memory": 6 * MB}}
        done = fetch(urls, pool=8, sections=sections, capture=True)
    assert {(r.outcome, r.body_bytes) for r in done.results} == {(Outcome.OK, len(BODY))}


@pytest.mark.parametrize("auth", ["basic", "none"])
def test_bodies_of_requests_with_an_auth_object_count_too(auth: str) -> None:
    packed = gzip.compress(BODY, 1)
    scripts = {"/": Script(answer(BODY)), "/gz": Script(answer(packed, "Content-Encoding: gzip"))}
    with scripted(scripts) as server:
        urls = [server.url(f"/{'gz' * (number % 2)}?{number}") for number in range(30)]
        options = {"sections": BUDGET, "capture": True, "row_s": 0.05}
        done = fetch(urls, pool=30, auth=f"support.auths:{auth}", **options)  # type: ignore[arg-type]
    assert {(r.outcome, r.body_bytes) for r in done.results} == {(Outcome.OK, len(BODY))}
    # requests alone takes 15 MB.
    assert done.peak_bytes - done.base_bytes < 90 * MB, "120 MB and more without a budget"


def test_the_time_that_it_waits_for_room_is_not_the_servers_with_an_auth_object_either() -> None:
    sections = {"worker": {"max_body_memory": MB}}
    limits = {"total_timeout_s": 4.0, "low_speed_s": 4.0, "auth": "support.auths:basic"}
    with scripted({"/": Script(answer(BODY))}) as server:
        urls = [server.url(f"/?{number}") for number in range(6)]
        done = fetch(urls, pool=6, sections=sections, capture=True, row_s=1.5, **limits)  # type: ignore[arg-type]
    assert [(r.outcome, r.error) for r in done.results] == [(Outcome.OK, None)] * 6
    assert done.took_s > 7.2, "they waited for each other"
