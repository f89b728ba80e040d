"""The answers of a role's port depend on its newest numbers alone."""

from __future__ import annotations

import time
from http import HTTPStatus

import msgspec
import pytest
from msgspec.structs import replace

from fetcher.telemetry.numbers import AnyNumbers
from fetcher.telemetry.pages import Health, Pages, health
from fetcher.telemetry.snapshot import Snapshot
from support.numbers import EXAMPLES

SINK = EXAMPLES["sink"]
STUCK = "its loop has not turned for 11 s"


@pytest.mark.parametrize(
    ("numbers", "turned_s_ago", "reasons"),
    [
        (None, 0.0, []),
        (SINK, 10.0, []),
        (SINK, 11.2, [STUCK]),
        (None, 11.2, [STUCK]),
        (replace(SINK, trouble="disk full"), 0.0, ["disk full"]),
        (replace(SINK, trouble="disk full"), 11.2, ["disk full", STUCK]),
    ],
)
def test_a_role_is_healthy_without_trouble_and_while_its_loop_turns(
    numbers: AnyNumbers | None, turned_s_ago: float, reasons: list[str]
) -> None:
    is_well, body = health(numbers, turned_s_ago, "sink", "sink-2")
    assert is_well == (not reasons)
    status = "failing" if reasons else "ok"
    assert body == Health(status, "sink", "sink-2", reasons, turned_s_ago)


def pages(numbers: AnyNumbers | None = None, put_s_ago: float = 0.0) -> Pages:
    snapshot: Snapshot[AnyNumbers] = Snapshot(is_on=True)
    if numbers is not None:
        snapshot.put(numbers, time.monotonic() - put_s_ago)
    return Pages(snapshot, "sink", "sink-2")


@pytest.mark.parametrize("path", ["/metrics", "/metrics?a=b", "/metrics?"])
def test_metrics_are_found_whatever_the_query(path: str) -> None:
    page = pages(SINK).answer(path)
    assert page.status == HTTPStatus.OK
    assert page.content_type.startswith("text/plain; version=")
    assert b"\nfetcher_sink_stalled 0.0\n" in page.body


@pytest.mark.parametrize("path", ["/", "", "/metrics/", "/healthz2", "metrics", "/HEALTHZ"])
def test_other_paths_are_not_found(path: str) -> None:
    page = pages(SINK).answer(path)
    assert page.status == HTTPStatus.NOT_FOUND
    assert page.body == b"here are /metrics, /healthz and /livez\n"


def test_a_role_with_trouble_lives_while_its_loop_turns() -> None:
    full = replace(SINK, trouble="disk full")
    assert pages(full).answer("/healthz").status == HTTPStatus.SERVICE_UNAVAILABLE
    assert pages(full).answer("/livez").status == HTTPStatus.OK
    page = pages(full, put_s_ago=3600).answer("/livez?x")
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(msgspec.json.decode(page.body, type=Health).reasons) == 1


def test_a_failing_role_answers_503() -> None:
    assert pages().answer("/healthz").status == HTTPStatus.OK
    assert pages(SINK).answer("/healthz?x").status == HTTPStatus.OK
    page = pages(SINK, put_s_ago=3600).answer("/healthz")
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE
    said = msgspec.json.decode(page.body, type=Health)
    assert (said.status, said.role, said.name) == ("failing", "sink", "sink-2")
    assert said.turned_s_ago >= 3600
