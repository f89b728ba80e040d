"""If nothing fails, the server sees each URL requested once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.model import Outcome
from support import jobs
from support.crowded import Answer, CrowdedSite, crowded_site
from support.names import at, name_server

pytestmark = pytest.mark.promise


@pytest.fixture(scope="module")
def dns() -> Iterator[str]:
    with name_server({("*", "A"): [at("127.0.0.1")]}) as server:
        yield f"--set=dns.servers=127.0.0.1:{server.port}"


class Hosts:
    """Quick and slow hosts, one that redirects, one with rules, and one that wants a rest."""

    def __init__(self) -> None:
        self._has_rested = False

    def __call__(self, name: str, path: str, number: int) -> Answer:
        if path == "/robots.txt":  # each worker that has the host asks for it
            return (200, {}, b"User-agent: *\nDisallow: /no\n", 0.0)
        if name.startswith("busy") and number >= 2 and not self._has_rested:
            self._has_rested = True
            return (429, {"Retry-After": "1"}, b"", 0.0)
        if "/from" in path:
            return (302, {"Location": path.replace("from", "to")}, b"", 0.1)
        return (200, {}, b"fine", 1.2 if name.startswith("slow") else 0.05)


def asked(site: CrowdedSite) -> Counter[tuple[str, str]]:
    counts = Counter((each.host, each.path) for each in site.asked)
    return Counter({key: count for key, count in counts.items() if key[1] != "/robots.txt"})


@pytest.mark.parametrize("batch_size", [3, 40])
@pytest.mark.parametrize("is_polite", [True, False])
def test_each_url_is_asked_for_once_whatever_hosts_and_batches_are_like(
    tmp_path: Path, dns: str, batch_size: int, is_polite: bool
) -> None:
    hosts = ["quick1", "quick2", "slow1", "busy1", "moved1"]
    with crowded_site(Hosts()) as site:
        urls = [
            f"http://{host}.test:{site.port}/{'from' if host == 'moved1' else 'page'}{n}"
            for n in range(6)
            for host in hosts
        ]
        urls += [f"http://quick1.test:{site.port}/no/{n}" for n in range(8)]
        polite = {"enabled": is_polite, "robots": is_polite, "delay_s": 0.3, "per_host": 2}
        done = jobs.call(
            "run",
            jobs.write_urls(tmp_path / "urls.txt", urls),
            "-o",
            tmp_path / "out",
            dns,
            "--quiet",
            "--set=worker.heartbeat_s=0.2",
            # Shorter than the slow host's pages, and than most waits; but who is not polite has
            # another worker try what is slow, and on a busy machine anything may be.
            f"--set=lease.tail_after_s={0.5 if is_polite else 60}",
            "--workers=3",
            "--pool-size=4",
            f"--batch-size={batch_size}",
            "--set=retry.attempts=2",
            "--set=retry.backoff_s=0.1",
            *(f"--set=polite.{key}={str(value).lower()}" for key, value in polite.items()),
        )
        assert done.returncode == 0, done.stderr
        rows = jobs.prove(tmp_path / "out", tmp_path / "urls.txt")
        counts = asked(site)
    retried = Counter(row.url for row in rows if row.attempts == 2)
    assert sum(retried.values()) == 1, "the one that was told to come again"
    wrong = {
        key: count
        for key, count in counts.items()
        if count != 1 + retried[f"http://{key[0]}:{site.port}{key[1]}"]
    }
    assert not wrong
    denied = {Outcome.ROBOTS: 8} if is_polite else {}
    assert Counter(row.outcome for row in rows) == {Outcome.OK: 38 - sum(denied.values()), **denied}


def test_a_worker_with_too_much_leaves_some_to_one_that_has_nothing(tmp_path: Path) -> None:
    def slowly(name: str, path: str, number: int) -> Answer:
        return (200, {}, b"fine", 0.3)

    with crowded_site(slowly) as site:
        urls = [f"http://127.0.0.1:{site.port}/{n}" for n in range(40)]
        done = jobs.call(
            "run",
            jobs.write_urls(tmp_path / "urls.txt", urls),
            "-o",
            tmp_path / "out",
            "--quiet",
            "--workers=2",
            "--pool-size=2",
            "--set=worker.heartbeat_s=0.2",
            "--batch-size=40",
        )
        assert done.returncode == 0, done.stderr
        rows = jobs.prove(tmp_path / "out", tmp_path / "urls.txt")
        assert set(asked(site).values()) == {1}
    assert len({row.worker for row in rows}) == 2, "it was one batch"
