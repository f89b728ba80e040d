"""Crawls whose roles are killed: in the end, each page of the site has one row."""

from __future__ import annotations

import contextlib
import functools
import random
from collections import Counter
from pathlib import Path

import pytest

from fetcher.model import Outcome
from fetcher.rows import jsonl
from fetcher.store import reader
from support import jobs
from support.waiting import wait_until
from support.web import Site, links, site
from tools.ports import free_ports

pytestmark = pytest.mark.promise

PAGES = 240
OPTIONS = ("--workers=2", "--batch-size=20", "--set=lease.silent_s=2", "--set=lease.unclaimed_s=5")


def web(path: str) -> str:
    """A page that links to some others; all can be reached from the first."""
    number = int(path.strip("/") or "0")
    dice = random.Random(number)
    ahead = [min(number + step, PAGES - 1) for step in (1, 2, 7)]
    return links(*(f"/{n}" for n in (*ahead, dice.randrange(1, PAGES))), "http://other.invalid/")


def require_all(out: Path, at: Site) -> None:
    """One row and one line of the log for each page, and nothing else."""
    rows = jobs.rows(out)
    urls = [at.url("/"), *(at.url(f"/{n}") for n in range(1, PAGES))]
    assert Counter(row.url for row in rows) == Counter(urls)
    assert {row.outcome for row in rows} == {Outcome.OK}
    log = (out / "frontier/part-00000.jsonl").read_text("utf-8").splitlines()
    assert len(log) == PAGES
    assert sorted(row.line for row in rows) == list(range(1, PAGES + 1))


def has_rows(out: Path, count: int) -> bool:
    return jobs.committed(out) >= count


def committed_urls(out: Path) -> set[str]:
    """The URLs of the rows that the journal calls committed."""
    segments = reader.segments(reader.read_part(out))
    return {jsonl.decode(row).url for segment in segments for row in reader.rows(segment)}


def require_not_asked_again(at: Site, kept: set[str], asked: Counter[str]) -> None:
    """The site was asked for each of the kept pages just as often as `asked` says."""
    assert kept
    paths = {url.removeprefix(at.url("")) for url in kept}
    assert {path: at.asked[path] for path in paths} == {path: asked[path] for path in paths}


def test_kill_9_of_each_role_costs_no_page_and_doubles_none(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        site(web, delay_s=0.01) as at,
        jobs.forked("crawl", at.url(), "-o", out, *OPTIONS, "--pool-size=4") as job,
    ):
        for count, role in ((10, "worker"), (50, "sink"), (90, "ventilator"), (130, "worker")):
            wait_until(functools.partial(has_rows, out, count), 60, f"{count} rows")
            job.kill(role)
        code, _, error = job.wait(90)
        assert code == 0, error
        require_all(out, at)


def test_a_crawl_that_is_killed_as_a_whole_is_resumed_by_the_same_command(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with site(web, delay_s=0.03) as at:
        command = ("crawl", at.url(), "-o", out, *OPTIONS, "--pool-size=4")
        with jobs.forked(*command) as job:
            wait_until(functools.partial(has_rows, out, 40), 60, "40 rows")
            kept, asked = committed_urls(out), at.asked.copy()
            job.process.kill()
        with jobs.forked(*command) as job:
            wait_until(functools.partial(has_rows, out, 90), 60, "90 rows")
            job.process.terminate()
            code, _, error = job.wait()
            assert code == 3, error
            assert "the same command resumes" in error
        # What a killed job had fetched and not committed depends on the machine's speed.
        require_not_asked_again(at, kept, asked)
        kept, asked = committed_urls(out), at.asked.copy()
        done = jobs.call(*command)
        assert done.returncode == 0, done.stderr
        require_all(out, at)
        require_not_asked_again(at, kept, asked)


def test_separate_roles_crawl_as_well_and_ask_for_each_page_once(tmp_path: Path) -> None:
    out, seeds = tmp_path / "out", tmp_path / "seeds.txt"
    base = free_ports(5)
    ventilator, sink = f"tcp://127.0.0.1:{base}", f"tcp://127.0.0.1:{base + 3}"
    where = ("--ventilator", ventilator, "--sink", sink)
    with site(web) as at, contextlib.ExitStack() as stack:
        jobs.write_urls(seeds, [at.url(), at.url("/1"), at.url("/1#again")])
        roles = [
            stack.enter_context(jobs.forked(*command))
            for command in (
                ("worker", *where, "--processes=2"),
                ("sink", *where, "-o", out),
                ("ventilator", seeds, "--crawl", *where, "--depth=1000"),
            )
        ]
        for role in roles:
            code, _, error = role.wait()
            assert code == 0, error
        require_all(out, at)
        assert set(at.asked.values()) == {1}


def test_several_sinks_are_refused_in_clear_words(tmp_path: Path) -> None:
    seeds = jobs.write_urls(tmp_path / "seeds.txt", ["http://127.0.0.1/"])
    two = ("--sink=tcp://127.0.0.1:1000", "--sink=tcp://127.0.0.1:1002")
    done = jobs.call("ventilator", seeds, "--crawl", *two)
    assert done.returncode == 2
    assert "a crawl has one sink, and endpoints.sink names 2" in done.stderr
