"""Politeness across a whole job: hosts are spared, and no line waits for another's host."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from support import jobs
from support.crowded import Answer, Behaviour, crowded_site
from support.names import at, name_server
from support.waiting import wait_until

OK: Answer = (200, {}, b"fine", 0.0)


@pytest.fixture(scope="module")
def dns() -> Iterator[str]:
    with name_server({("*", "A"): [at("127.0.0.1")]}) as server:
        yield f"--set=dns.servers=127.0.0.1:{server.port}"


def always(wait_s: float) -> Behaviour:
    return lambda name, path, number: (200, {}, b"fine", wait_s)


def options(dns: str, **polite: object) -> tuple[str, ...]:
    return (
        dns,
        "--set=polite.enabled=true",
        "--quiet",
        *(f"--set=polite.{key}={value}" for key, value in polite.items()),
    )


def run(urls: list[str], tmp_path: Path, *options: str) -> list[Result]:
    urlfile = jobs.write_urls(tmp_path / "urls.txt", urls)
    done = jobs.call("run", urlfile, "-o", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    return jobs.prove(tmp_path / "out", urlfile)


def test_a_host_never_sees_more_than_its_limits_from_all_workers_together(
    tmp_path: Path, dns: str
) -> None:
    with crowded_site(always(0.05)) as site:
        urls = [f"http://one.test:{site.port}/{n}" for n in range(60)]
        chosen = options(dns, per_host=2, delay_s=0.05)
        found = run(urls, tmp_path, *chosen, "--workers=4", "--batch-size=5")
        host = site.hosts["one.test"]
    assert all(row.outcome is Outcome.OK for row in found)
    assert host.most <= 2
    # A busy machine notes a request late, so that the next one seems early: only the time of all
    # of them is sure. Workers that each kept the pace alone would be four times as fast.
    assert host.starts[-1] - site.began >= 59 * 0.05


def _await_rows(out: Path, rows: int) -> None:
    wait_until(lambda: jobs.committed(out) >= rows)


def test_limits_hold_while_workers_and_ventilators_die_and_workers_join(
    tmp_path: Path, dns: str
) -> None:
    with crowded_site(always(0.05)) as site:
        hosts = [f"h{n}.test" for n in range(8)]
        urls = [f"http://{host}:{site.port}/{n}" for n in range(20) for host in hosts]
        chosen = options(dns, per_host=1, delay_s=0.2)
        urlfile = jobs.write_urls(tmp_path / "urls.txt", urls)
        more = ("--workers=2", "--batch-size=20", "--set=lease.silent_s=2")
        with jobs.forked("run", urlfile, "-o", tmp_path / "out", *chosen, *more) as job:
            for rows, role in ((10, "worker"), (40, "ventilator"), (90, "worker")):
                _await_rows(tmp_path / "out", rows)
                job.kill(role)
            code, _, error = job.wait(120)
        found = jobs.prove(tmp_path / "out", urlfile)
    assert code == 0, error
    assert all(row.outcome is Outcome.OK for row in found)
    # A killed worker's request may still be at the server when the next worker sends one.
    assert max(site.hosts[host].most for host in hosts) <= 2
    gaps_s = [gap for host in hosts for gap in site.hosts[host].gaps_s]
    # Without limits nearly all are short; a busy server notes late requests together.
    assert sum(gap < 0.1 for gap in gaps_s) <= len(gaps_s) * 0.6


def test_many_urls_of_a_slow_host_do_not_hold_up_the_others(tmp_path: Path, dns: str) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        return (200, {}, b"fine", 0.5 if name == "slow.test" else 0.0)

    with crowded_site(behave) as site:
        slow = [f"http://slow.test:{site.port}/{n}" for n in range(30)]
        fast = [f"http://fast{n}.test:{site.port}/" for n in range(100)]
        run(slow + fast, tmp_path, *options(dns, per_host=2), "--workers=1", "--pool-size=8")
        slow_ends = site.hosts.pop("slow.test").ends
        fast_ended = max(host.ends[-1] for host in site.hosts.values())
    assert len(slow_ends) == 30
    assert sum(end > fast_ended for end in slow_ends) > 10, "the fast ones were done long before"


def test_a_host_that_says_retry_after_rests_and_is_tried_again(tmp_path: Path, dns: str) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        return (429, {"Retry-After": "2"}, b"slow down", 0.0) if number == 0 else OK

    with crowded_site(behave) as site:
        urls = [f"http://busy.test:{site.port}/{n}" for n in range(4)]
        chosen = options(dns, per_host=1, delay_s=0)
        found = run(urls, tmp_path, *chosen, "--set=retry.attempts=3", "--set=retry.backoff_s=0.1")
        host = site.hosts["busy.test"]
    said = jobs.call("run", tmp_path / "urls.txt", "-o", tmp_path / "out").stdout
    assert "repeats   1 tried again after a failure\n" in said
    assert sorted(row.attempts for row in found) == [1, 1, 1, 2]
    assert all(row.outcome is Outcome.OK for row in found)
    assert host.starts[1] - host.ends[0] >= 1.95
    assert min(host.gaps_s[1:]) < 1.5, "it rests once"


def test_a_dead_host_is_given_up_and_its_rows_say_so(tmp_path: Path, dns: str) -> None:
    urls = [f"http://dead.test:1/{n}" for n in range(300)]
    chosen = options(dns, per_host=2, delay_s=0.01, circuit_failures=5, circuit_s=600)
    found = run(urls, tmp_path, *chosen, "--workers=2", "--batch-size=20")
    given_up = [row for row in found if "given up for 600 s after" in (row.error or "")]
    assert {row.outcome for row in found} == {Outcome.CONNECT}
    assert 250 <= len(given_up) < 300
    assert {row.attempts for row in given_up} == {0}


def test_robots_txt_is_obeyed_where_the_setting_says_so(tmp_path: Path, dns: str) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        rules = {"a.test": b"User-agent: *\nDisallow: /private\nCrawl-delay: 2\n"}
        if path != "/robots.txt":
            return OK
        if name == "broken.test":
            return (503, {}, b"", 0.0)
        return (200, {}, rules[name], 0.0) if name in rules else (404, {}, b"", 0.0)

    with crowded_site(behave) as site:
        urls = [
            f"http://{host}:{site.port}/{path}"
            for host in ("a.test", "free.test", "broken.test")
            for path in ("public", "private/1", "also")
        ]
        chosen = options(dns, robots="true", delay_s=0)
        found = sorted(run(urls, tmp_path, *chosen, "--workers=1"), key=lambda row: row.line)
        asked = {name: len(host.starts) for name, host in site.hosts.items()}
        took_s = site.hosts["a.test"].starts[-1] - site.began
    outcomes = [row.outcome for row in found]
    assert outcomes[:3] == [Outcome.OK, Outcome.ROBOTS, Outcome.OK]
    assert outcomes[3:6] == [Outcome.OK] * 3
    assert outcomes[6:] == [Outcome.ROBOTS] * 3
    assert asked["broken.test"] == 1
    assert asked["a.test"] == 3, "robots.txt once, and two pages"
    assert took_s > 1.95, "Crawl-delay"


def test_a_crawl_delay_of_years_does_not_hold_up_the_job(tmp_path: Path, dns: str) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        return (200, {}, b"User-agent: *\nCrawl-delay: 99999999\n", 0.0)

    with crowded_site(behave) as site:
        urls = [f"http://slow.test:{site.port}/{number}" for number in range(3)]
        chosen = options(dns, robots="true", delay_s=0, retry_after_max_s=2)
        found = run(urls, tmp_path, *chosen, "--workers=1")
        took_s = site.hosts["slow.test"].starts[-1] - site.began
    assert {row.outcome for row in found} == {Outcome.OK}
    assert took_s > 1.95, "it is obeyed as far as polite.retry_after_max_s"


def test_what_is_not_sent_needs_no_turn_and_takes_none(tmp_path: Path) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        rules = b"User-agent: *\nDisallow: /private\n"
        return (200, {}, rules if path == "/robots.txt" else b"fine", 0.0)

    zone = {("inner.test", "A"): [at("10.0.0.1")], ("*", "A"): [at("127.0.0.1")]}
    with name_server(zone) as server, crowded_site(behave) as site:
        here = f"a.test:{site.port}"
        urls = [f"http://{here}/{n}" for n in range(3)]
        for n in range(60):
            urls += [f"http://10.0.0.1/{n}", f"http://inner.test/{n}", f"http://{here}/private/{n}"]
        chosen = options(f"--set=dns.servers=127.0.0.1:{server.port}", robots="true", delay_s=2)
        began = time.monotonic()
        found = run(urls, tmp_path, *chosen, "--workers=2", "--batch-size=20")
        took_s = time.monotonic() - began
        asked = site.hosts["a.test"]
    assert Counter(row.outcome for row in found) == {
        Outcome.OK: 3,
        Outcome.BLOCKED: 120,
        Outcome.ROBOTS: 60,
    }
    assert took_s < 60, "a turn each would take two minutes"
    pages = [each for each in site.asked if each.path != "/robots.txt"]
    assert len(pages) == 3
    assert len(asked.starts) <= 5, "robots.txt once for each worker, and three pages"


def test_politeness_holds_for_a_custom_transport_and_not_for_null(tmp_path: Path) -> None:
    urls = [f"http://one.test/{n}?ms=10" for n in range(6)]
    polite = ("--set=polite.enabled=true", "--quiet", "--workers=2")
    began = time.monotonic()
    (tmp_path / "own").mkdir()
    own = f"--set=worker.transport={jobs.SLOW}"
    run(urls, tmp_path / "own", *polite, own, "--set=polite.delay_s=0.4")
    assert time.monotonic() - began > 2
    (tmp_path / "null").mkdir()
    run(urls, tmp_path / "null", *polite, "--set=worker.transport=null", "--set=polite.delay_s=60")


def test_the_public_internet_alone_is_open_by_default(tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:1/", "http://2130706433:1/", "http://[::1]:1/", "http://10.0.0.1/"]
    urls += ["http://169.254.169.254/latest/meta-data/", "http://[64:ff9b::7f00:1]/"]
    found = run(urls, tmp_path, "--set=guard.allow=[]", "--workers=1", "--quiet")
    assert {row.outcome for row in found} == {Outcome.BLOCKED}
    assert all("guard.allow" in (row.error or "") for row in found)


def test_lines_without_a_request_end_though_more_of_them_wait_than_there_are_slots(
    tmp_path: Path,
) -> None:
    urls = [f"http://127.0.0.1:1/{n}" for n in range(5_000)]
    options = ("--set=polite.enabled=true", "--set=guard.allow=[]", "--workers=1", "--quiet")
    urlfile = jobs.write_urls(tmp_path / "urls.txt", urls)
    with jobs.forked("run", urlfile, "-o", tmp_path / "out", *options, "--pool-size=5") as job:
        code, _, error = job.wait(60)
    assert code == 0, error
    found = jobs.prove(tmp_path / "out", urlfile)
    assert {row.outcome for row in found} == {Outcome.BLOCKED}
