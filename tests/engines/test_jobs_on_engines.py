"""What is as with `fetcher run` when an engine runs the workers: crawls, retries, pages, Python."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from pathlib import Path

import pytest

from fetcher.api import fetch
from support import engines, jobs
from support.engines import EngineUnderTest, marked
from support.pages import get
from support.programs import urls as some_urls
from support.waiting import wait_until
from support.web import links, site
from tools.ports import free_ports

ON_ENGINE = ("--engine=command", "--workers=1")


def test_a_crawl_follows_links_on_an_engine(tmp_path: Path) -> None:
    pages = {"/": links("/a", "/b"), "/a": links("/"), "/b": links("/c"), "/c": "the end"}
    with site(pages) as at:
        done = jobs.call("crawl", at.url(), "-o", tmp_path / "out", *ON_ENGINE, "--no-robots")
        assert done.returncode == 0, done.stderr
        assert at.asked == Counter(dict.fromkeys(pages, 1))
    assert jobs.call("verify", tmp_path / "out").returncode == 0


def test_failed_lines_are_retried_on_an_engine(tmp_path: Path) -> None:
    urls, out = jobs.write_urls(tmp_path / "urls.txt", ["http://127.0.0.1:1/"]), tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, "--workers=1").returncode == 0
    again = jobs.call("retry", out, "-o", tmp_path / "out2", *ON_ENGINE)
    assert again.returncode == 0, again.stderr
    assert jobs.rows(tmp_path / "out2")[0].worker.startswith("command@")


def test_the_page_answers_and_a_ventilator_that_is_stopped_drains_the_slots(tmp_path: Path) -> None:
    (urls, _), out, port = engines.write_waiting_urls(tmp_path), tmp_path / "out", free_ports(1)
    with marked() as mark, contextlib.ExitStack() as stack:
        engine = EngineUnderTest(mark, ("--engine=command",))
        job = engine.start(stack, urls, out, 1, f"--web={port}")
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        assert get(port, "/")[0] == 200
        assert job.signal("ventilator", signal.SIGTERM)
        code, _, error = job.wait(60)
        assert code == 3, error
        engines.require_no_slots(engine, 5)


@pytest.mark.usefixtures("temporary")
def test_a_program_runs_its_job_on_an_engine() -> None:
    settings = {"worker.transport": jobs.SLOW, "engine.name": "command"}
    rows = list(fetch(some_urls(30), workers=1, settings=settings))
    assert len(rows) == 30
    assert {row.worker.partition("@")[0] for row in rows} == {"command"}
