"""What those who watch are made of hosts and failures: few, cut, and added up."""

from __future__ import annotations

import pytest

from fetcher.model import Outcome, Result
from fetcher.protocol import bounds, codec, messages, samples
from fetcher.protocol.samples import Failures, Load, Sampler
from fetcher.watch.workers import WorkerTable


def result(line: int, url: str) -> Result:
    return Result(line, url, Outcome.TIMEOUT, error="e" * 500)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.test/x", "a.test"),
        ("https://a.test:81?x", "a.test:81"),
        ("http://u:p@a.test/@b", "a.test"),
        ("a.test/x", "a.test"),
        ("", ""),
        ("http://" + "x" * 999, "x" * 200),
    ],
)
def test_the_host_of_whatever_stands_there(url: str, host: str) -> None:
    assert samples.shown_host_of(url) == host


def test_a_glimpse_has_the_busiest_and_the_worst_hosts_and_new_failures_once() -> None:
    seen = Sampler()
    for line in range(1, 31):
        seen.failed(result(line, f"http://bad{line % 3}.test/{'x' * 900}"))
    loads = [Load(f"h{n}.test", n, 0) for n in range(20)] + [Load("bad1.test", 0, 99)]
    made = seen.samples(loads)
    hosts = {each.host: each for each in made.hosts}
    assert hosts["bad1.test"] == messages.HostLoad("bad1.test", 0, 99, 10)
    assert {"h19.test", "h18.test", "bad0.test", "bad2.test"} <= set(hosts)
    assert len(hosts) <= bounds.MAX_LOADS
    assert [each.line for each in made.failed_lines] == [26, 27, 28, 29, 30]
    assert all(len(each.url) == len(each.error) == bounds.MAX_SAID for each in made.failed_lines)
    assert codec.decode(codec.encode(messages.Progress("w", 1, 1, made)))[0]
    assert seen.samples([]).failed_lines == []


def test_a_line_that_is_not_a_url_is_of_no_host() -> None:
    seen = Sampler()
    seen.failed(Result(1, "javascript:void(0)", Outcome.INVALID_URL, error="no URL"))
    made = seen.samples([])
    assert made.hosts == []
    assert [each.url for each in made.failed_lines] == ["javascript:void(0)"]


def test_the_worst_host_is_known_among_ten_thousand() -> None:
    failures = Failures()
    for n in range(10_000):
        failures.add(f"h{n}")
        if n % 10 == 0:
            failures.add("worst")
    assert failures.worst(1) == ["worst"]
    assert failures.of("worst") == 1000


def test_what_workers_have_of_a_host_is_added_up_and_their_failures_are_kept() -> None:
    members = WorkerTable()
    for worker in ("a", "b"):
        members.heartbeat(messages.Heartbeat(worker, 4, 1, 0, [], []), 0)
        hosts = [messages.HostLoad("h", 2, 3, 1), messages.HostLoad(worker, 1, 0, 0)]
        failed_lines = [messages.FailedLine(n, "dns", 0, "u", "e") for n in range(1, 16)]
        members.progress(messages.Progress(worker, 9, 0, messages.Samples(hosts, failed_lines)), 0)
    made = members.samples()
    assert made.hosts[0] == messages.HostLoad("h", 4, 6, 2)
    assert [each.host for each in made.hosts] == ["h", "a", "b"]
    assert len(made.failed_lines) == bounds.MAX_FAILED_LINES
    members.keep(["a"])
    assert [each.host for each in members.samples().hosts] == ["h", "a"]
