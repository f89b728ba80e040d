"""TLS: whom we trust, whom we show ourselves to; HTTP/2; addresses of both families."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from fetcher.model import Outcome, Result
from support import jobs
from support.fetching import fetch
from support.secure import Http2, context_of, http2_server, https_server
from tools.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def one(url: str, **http: Any) -> Result:
    (result,) = fetch([url], **http).results
    return result


def test_a_private_authority_is_trusted_where_it_is_named(authority: Authority) -> None:
    with https_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/"
        stranger = one(url)
        assert stranger.outcome is Outcome.TLS
        assert "not trusted" in (stranger.error or "")
        assert one(url, verify_tls=False).outcome is Outcome.OK
        known = one(url, ca_file=str(authority.ca_file))
    assert (known.outcome, known.status) == (Outcome.OK, 200)
    assert known.timings_ms is not None
    assert (known.timings_ms.tls or 0) > (known.timings_ms.connect or 0) > 0


@pytest.mark.parametrize(("names", "days"), [(["other.invalid"], 1), (["127.0.0.1"], -1)])
def test_a_wrong_host_and_an_expired_certificate_are_tls(
    authority: Authority, names: list[str], days: int
) -> None:
    with https_server(context_of(*authority.issue(names, days=days))) as port:
        url = f"https://127.0.0.1:{port}/"
        result = one(url, ca_file=str(authority.ca_file))
        assert result.outcome is Outcome.TLS, result
        assert one(url, verify_tls=False).outcome is Outcome.OK


def test_a_client_shows_its_certificate_where_it_has_one(
    authority: Authority, tmp_path: Path
) -> None:
    server = authority.issue(["127.0.0.1"])
    certificate, key = authority.issue(["client"])
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    trust = {"ca_file": str(authority.ca_file)}
    context = context_of(*server, trusted=authority.ca_file)
    # In TLS 1.3 a client hears only after its first request that it should have shown one, and
    # the server's reset may be faster than those words.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with https_server(context) as port:
        without = one(f"https://127.0.0.1:{port}/", **trust)
    with https_server(context_of(*server, trusted=authority.ca_file)) as port:
        url = f"https://127.0.0.1:{port}/"
        separate = one(url, **trust, client_cert=str(certificate), client_key=str(key))
        included = one(url, **trust, client_cert=str(both))
    assert without.outcome is Outcome.TLS, without
    assert "alert handshake failure" in (without.error or ""), without.error
    assert separate.outcome is included.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("setting", "content"),
    [
        ("ca_file", None),
        ("ca_file", b"no certificate at all"),
        ("client_cert", None),
        ("client_cert", b"garbage"),
        ("client_key", None),
    ],
)
def test_an_unusable_file_is_one_line_at_the_start(
    tmp_path: Path, setting: str, content: bytes | None
) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_bytes(content)
    urls = jobs.write_urls(tmp_path / "urls.txt", ["https://127.0.0.1:9/"])
    done = jobs.call("run", urls, "-o", tmp_path / "out", "--set", f"http.{setting}={file}")
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert f"http.{setting}" in lines[0]
    assert str(file) in lines[0]


def test_http2_shares_a_connection_that_is_there(authority: Authority) -> None:
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        urls = [f"https://127.0.0.1:{port}/{number}" for number in range(100)]
        warm = f"https://127.0.0.1:{port}/warm"
        results = fetch(urls, first=[warm], ca_file=str(authority.ca_file)).by_url
        assert Http2.connections == 1
    for number, url in enumerate(urls):
        result = results[url]
        assert (result.outcome, result.http_version) == (Outcome.OK, "2"), result
        assert result.body_bytes == 1000
        assert ["x-path", f"/{number}"] in [list(pair) for pair in result.headers]


def test_http2_is_not_spoken_where_it_is_switched_off(authority: Authority) -> None:
    with https_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/"
        assert one(url, ca_file=str(authority.ca_file)).http_version == "1.1"
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/"
        result = one(url, ca_file=str(authority.ca_file), http2=False)
        assert result.outcome is not Outcome.OK, "this server speaks nothing else"


@pytest.mark.parametrize("path", ["/reset", "/goaway"])
def test_a_stream_that_is_broken_off_is_a_row(authority: Authority, path: str) -> None:
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        urls = [f"https://127.0.0.1:{port}{path}", f"https://127.0.0.1:{port}/fine"]
        results = fetch(urls, pool=1, ca_file=str(authority.ca_file)).by_url
    assert results[urls[0]].outcome is Outcome.PROTOCOL, results[urls[0]]
    assert results[urls[1]].outcome is Outcome.OK, results[urls[1]]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_addresses_of_both_families(authority: Authority) -> None:
    with https_server(context_of(*authority.issue(["::1"])), host="::1") as port:
        url = f"https://[::1]:{port}/"
        trust = {"ca_file": str(authority.ca_file)}
        result = one(url, **trust)
        assert (result.outcome, result.remote_ip) == (Outcome.OK, "::1"), result
        assert one(url, **trust, ip_version="6").outcome is Outcome.OK
        refused = one(url, **trust, ip_version="4")
    assert refused.outcome is Outcome.CONNECT
    assert "http.ip_version" in (refused.error or "")
