"""The fetch core against a real server: requests, rows and redirects."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any, Final

from fetcher.model import Outcome, Result
from support.fetching import fetch
from support.jobs import ENV, ROOT
from tools.site.running import RunningSite


def one(url: str, **http: Any) -> Result:
    (result,) = fetch([url], **http).results
    return result


def test_a_plain_page_is_recorded_in_full(site: RunningSite) -> None:
    result = one(site.url("/bytes/1000"))
    assert (result.outcome, result.status, result.error) == (Outcome.OK, 200, None)
    assert (result.body_bytes, result.wire_bytes) == (1000, 1000)
    assert result.sha256 and len(result.sha256) == 64
    assert result.final_url == site.url("/bytes/1000")
    assert result.remote_ip == "127.0.0.1"
    assert result.http_version == "1.1"
    assert result.content_type and result.content_type.startswith("text/")
    assert ["content-length", "1000"] in [[name.lower(), value] for name, value in result.headers]
    assert result.timings_ms and result.timings_ms.total and result.timings_ms.total > 0
    assert result.worker == "test"
    assert result.started_at and result.started_at > 1e9


def test_the_time_to_connect_belongs_to_the_request_that_connected(site: RunningSite) -> None:
    urls = [site.url("/bytes/10?first"), site.url("/bytes/10?second")]
    first, second = fetch(urls, pool=1).results
    assert first.timings_ms and first.timings_ms.connect
    assert second.timings_ms and second.timings_ms.connect is None


def test_the_routes_of_the_site_give_what_they_say(site: RunningSite) -> None:
    sizes = {"/gzip/5000": 5000, "/chunked/1000": 1000, "/no-length": 3000, "/status/204": 0}
    statuses = (404, 410, 418, 500, 503)
    done = fetch([site.url(p) for p in sizes] + [site.url(f"/status/{n}") for n in statuses])
    for path, size in sizes.items():
        result = done.by_url[site.url(path)]
        assert (result.outcome, result.body_bytes) == (Outcome.OK, size), path
    packed = done.by_url[site.url("/gzip/5000")]
    assert packed.wire_bytes and packed.wire_bytes < 5000
    for status in statuses:
        result = done.by_url[site.url(f"/status/{status}")]
        assert (result.outcome, result.status) == (Outcome.HTTP_ERROR, status)
        assert result.error == f"the server answered {status}"


def test_the_digest_is_of_the_decoded_body(site: RunningSite) -> None:
    empty = one(site.url("/status/204"))
    assert empty.sha256 == hashlib.sha256(b"").hexdigest()
    same = fetch([site.url("/bytes/700"), site.url("/bytes/700?again")])
    assert len({result.sha256 for result in same.results}) == 1


def test_redirects_are_followed_hop_by_hop_and_recorded(site: RunningSite) -> None:
    result = one(site.url("/redirect/3"))
    assert (result.outcome, result.status) == (Outcome.OK, 200)
    assert len(result.redirects) == 3
    assert result.final_url == result.redirects[-1] == site.url("/bytes/1000")


def test_redirects_end_at_the_cap(site: RunningSite) -> None:
    result = one(site.url("/redirect-loop"), max_redirects=4)
    assert result.outcome is Outcome.REDIRECTS
    assert len(result.redirects) == 4
    assert "max_redirects (4)" in (result.error or "")
    assert one(site.url("/redirect/4"), max_redirects=4).outcome is Outcome.OK


def test_a_redirect_to_anything_but_the_web_is_blocked(site: RunningSite) -> None:
    for target in ("file:///etc/passwd", "ftp://x.invalid/", "gopher://x.invalid/"):
        result = one(site.url(f"/redirect-to?url={target.replace(':', '%3A').replace('/', '%2F')}"))
        assert result.outcome is Outcome.BLOCKED, result


def test_the_body_of_a_redirect_is_not_read(site: RunningSite) -> None:
    paths = ("/redirect-endless-body", "/redirect-bomb")
    done = fetch([site.url(path) for path in paths], total_timeout_s=5.0)
    for result in done.results:
        assert (result.outcome, result.final_url) == (Outcome.OK, site.url("/bytes/1000"))
    assert done.peak_bytes < 100e6


def test_a_cookie_lives_in_its_own_chain_and_nowhere_else(site: RunningSite) -> None:
    empty = one(site.url("/cookies/show")).sha256
    urls = [site.url("/cookies/set")] + [site.url(f"/cookies/show?{n}") for n in range(5)]
    shown = [r.sha256 for r in fetch(urls, pool=1).results if "show" in r.url]
    assert shown == [empty] * 5


def test_neither_proxies_nor_netrc_of_the_environment_are_used(
    site: RunningSite,
) -> None:
    dead = "http://127.0.0.1:1"
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), dead)
    done = fetch([site.url("/bytes/10")], env=env)
    assert done.results[0].outcome is Outcome.OK


NO_URLS = {
    "example.org": "no scheme",
    "example.org:80/x": "no scheme",
    "localhost:8080": "no scheme",
    "//example.org/": "no scheme",
    "ftp://a.invalid/": "'ftp'",
    "javascript:alert(1)": "'javascript'",
    "data:text/plain,x": "'data'",
    "mailto:a@b.invalid": "'mailto'",
    "http://": "no host",
    "http:///?path": "no host",
    "http://a.invalid:99999/": "the port '99999'",
    "http://a.invalid:abc/": "the port 'abc'",
    "http://a.invalid:0/": "port 0",
    "http://[::1/": "IPv6",
    "http://a..b/": "label",
    "http://" + "a" * 64 + ".invalid/": "label",
    "http://with space.invalid/": "neither a host name nor an IP address",
    "http://a!b.invalid/": "no name in DNS",
    "http://x.invalid/\x00": "0x00",
    "http://x.invalid/\ttab": "0x09",
    "http://user:pw@x.invalid/": "user name",
    "http://x.invalid/" + "p" * 9000: "max_url_bytes",
}


def test_a_line_that_is_not_a_url_says_why() -> None:
    done = fetch(list(NO_URLS))
    for url, why in NO_URLS.items():
        result = done.by_url[url]
        assert (result.outcome, result.status) == (Outcome.INVALID_URL, None), result
        assert why.lower() in (result.error or "").lower(), result


def test_a_worker_imports_requests_only_where_it_is_needed() -> None:
    code = "import sys, fetcher.roles.worker.role, fetcher.fetch.http.client; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENV, cwd=ROOT, check=True
    )
    assert not {"requests", "urllib3", "ada_url"} & set(done.stdout.split())


_FIRST_REQUEST: Final = """
import sys
import fetcher.roles.worker.role
from fetcher.fetch.http.client import CurlFetcher
from fetcher.model import Task
from fetcher.settings.schema import Guard, Settings

fetcher = CurlFetcher(Settings(guard=Guard(allow=("127.0.0.0/8",))), "worker")
known = set(sys.modules)
fetch = fetcher.begin(Task(1, sys.argv[1]))
fetch.step()
print(fetch.result.status, *set(sys.modules) - known)
"""


def test_the_first_request_loads_nothing_as_the_second_would_follow_it_too_soon(
    site: RunningSite,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_REQUEST, site.url("/bytes/10")],
        capture_output=True,
        text=True,
        env=ENV,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.split() == ["200"]
