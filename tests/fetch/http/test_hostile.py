"""Hostile servers: one result each, in time and in bounded memory; other lines are not delayed."""

from __future__ import annotations

import pytest

from fetcher.model import Outcome
from support.fetching import fetch
from tools.site.running import RunningSite

LIMIT_S = 2.0
MARGIN_S = 2.0

ALLOWED = {
    "never": {"timeout"},
    "drip-headers": {"timeout"},
    "drip-body": {"timeout"},
    "endless": {"timeout", "too_large"},
    "endless-100": {"protocol"},
    "endless-trailers": {"protocol"},
    "header-flood": {"protocol"},
    "gzip-bomb": {"too_large", "timeout"},
    "close-at-once": {"protocol"},
    "close-mid-header": {"protocol"},
    "close-mid-body": {"protocol"},
    "garbage": {"protocol"},
    "bad-length": {"protocol"},
    "negative-length": {"protocol", "ok"},
    "double-length": {"protocol"},
    "cl-te": {"protocol", "ok"},
    "lf-only": {"protocol", "ok"},
    "colonless": {"protocol", "ok"},
    "status-junk": {"protocol"},
    "redirect-file": {"blocked"},
    "redirect-bad-host": {"protocol"},
    "redirect-latin1": {"ok"},
    "bad-gzip": {"protocol"},
    "odd-charset": {"ok"},
}


def hostile(site: RunningSite, name: str) -> str:
    return site.url(f"/hostile/{name}")


def test_each_hostile_answer_is_one_result_in_time(site: RunningSite) -> None:
    done = fetch([hostile(site, name) for name in ALLOWED], total_timeout_s=LIMIT_S)
    assert len(done.results) == len(ALLOWED)
    for name, outcomes in ALLOWED.items():
        result = done.by_url[hostile(site, name)]
        assert result.outcome.value in outcomes, result
        assert (result.error is None) == (result.outcome is Outcome.OK)
        assert "\n" not in (result.error or "") and " object at 0x" not in (result.error or "")
    assert done.took_s < LIMIT_S + MARGIN_S
    assert done.peak_bytes < 150e6


@pytest.mark.parametrize("name", ["endless", "gzip-bomb"])
def test_a_body_ends_at_its_cap(site: RunningSite, name: str) -> None:
    done = fetch([hostile(site, name)], max_body_bytes=500_000, total_timeout_s=60.0)
    (result,) = done.results
    assert result.outcome is Outcome.TOO_LARGE
    assert "max_body_bytes" in (result.error or "")
    assert done.peak_bytes < 120e6
    assert done.took_s < 30


def test_hostile_servers_do_not_delay_the_others(site: RunningSite) -> None:
    bad = [
        hostile(site, name) + f"?{n}"
        for n in range(10)
        for name in ("endless-100", "endless-trailers", "endless", "drip-headers", "never")
    ]
    good = [site.url(f"/bytes/1000?{n}") for n in range(50)]
    done = fetch(bad + good, pool=100, total_timeout_s=8.0)
    assert len(done.results) == 100
    ends = {
        url: result.timings_ms.total or 0
        for url, result in done.by_url.items()
        if result.timings_ms and "/bytes/" in url
    }
    assert all(done.by_url[url].outcome is Outcome.OK for url in good)
    assert max(ends.values()) < 7500
    assert done.took_s < 8 + 20


@pytest.mark.slow
def test_a_thousand_hostile_urls_at_once(site: RunningSite) -> None:
    urls = [hostile(site, name) + f"?{n}" for n in range(42) for name in ALLOWED]
    done = fetch(urls, pool=1008, total_timeout_s=20.0, max_body_bytes=1_000_000)
    assert len(done.results) == len(urls)
    assert done.took_s < 40
    assert done.peak_bytes < 250e6


def test_who_does_not_answer_at_all_is_named_by_its_reason(site: RunningSite) -> None:
    tls = site.base.replace("http:", "https:") + "/"
    urls = ["http://127.0.0.1:1/", "http://nowhere.invalid/", tls]
    done = fetch(urls, total_timeout_s=10.0)
    closed, unknown, plain = (done.by_url[url] for url in urls)
    assert (closed.outcome, closed.error) == (Outcome.CONNECT, "Connection refused")
    assert unknown.outcome is Outcome.DNS
    assert plain.outcome is Outcome.TLS
