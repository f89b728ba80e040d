"""Proxies: by setting only, and with whom the names are looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fetcher.errors import ConfigError
from fetcher.fetch.http.connections import _proxy_address
from fetcher.model import Outcome
from support.fetching import fetch
from support.names import at, name_server
from support.proxies import http_proxy, socks_proxy
from support.scripted import Script, answer, scripted
from support.secure import context_of, https_server
from tools.certificates import Authority

PAGE = {"/": Script(answer(b"hello"))}
NOWHERE = "127.0.0.1:9"


def test_an_http_proxy_is_asked_for_the_whole_url_and_looks_names_up() -> None:
    with scripted(PAGE) as server, http_proxy() as proxy:
        url = f"http://name.invalid:{server.port}/"
        (result,) = fetch([url], proxy=f"http://{proxy.place}").results
    assert (result.outcome, result.body_bytes) == (Outcome.OK, 5)
    assert proxy.asked == [f"GET {url} HTTP/1.1"]


def test_https_goes_through_it_by_connect_and_is_checked_end_to_end(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue(["name.invalid"])
    with https_server(context_of(*files)) as port, http_proxy() as proxy:
        urls = [f"https://name.invalid:{port}/", f"https://other.invalid:{port}/"]
        trust = str(authority.ca_file)
        by_url = fetch(urls, proxy=f"http://{proxy.place}", ca_file=trust).by_url
    assert sorted(proxy.asked) == sorted(f"CONNECT {url[8:-1]} HTTP/1.1" for url in urls)
    assert by_url[urls[0]].outcome is Outcome.OK
    assert by_url[urls[0]].status == 200, "not the proxy's own answer"
    assert [name for name, _ in by_url[urls[0]].headers][:1] == ["Server"]
    assert by_url[urls[1]].outcome is Outcome.TLS


def test_a_socks_proxy_gets_the_name() -> None:
    with scripted(PAGE) as server, socks_proxy() as proxy:
        url = f"http://name.invalid:{server.port}/"
        (result,) = fetch([url], proxy=f"socks5h://{proxy.place}").results
    assert (result.outcome, proxy.asked) == (Outcome.OK, [url[7:-1]])


def test_the_environment_names_no_proxy_and_no_password(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    env = dict.fromkeys(names, f"http://{NOWHERE}") | {"HOME": str(tmp_path)}
    with scripted(PAGE) as server, http_proxy() as proxy:
        url = server.url("/")
        (result,) = fetch([url], env=env).results
        assert result.outcome is Outcome.OK
        assert b"authorization" not in server.heads[0].lower()
        # Nor an exception from the proxy of the settings.
        (result,) = fetch(
            [url], env={"no_proxy": "*", "NO_PROXY": "*"}, proxy=f"http://{proxy.place}"
        ).results
        assert (result.outcome, len(proxy.asked)) == (Outcome.OK, 1)


def test_special_addresses_are_refused_before_the_proxy_hears_of_them() -> None:
    urls = ["http://169.254.169.254/", "http://0x7f.1/", "http://[::ffff:10.0.0.1]/"]
    for kind, made in (("http", http_proxy), ("socks5h", socks_proxy)):
        with made() as proxy:
            closed: dict[str, dict[str, Any]] = {"guard": {"allow": []}}
            results = fetch(urls, proxy=f"{kind}://{proxy.place}", sections=closed).results
        assert {result.outcome for result in results} == {Outcome.BLOCKED}
        assert proxy.asked == []


SPECIAL = [
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://10.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://[::1]/",
    "http://[fd00:ec2::254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "https://192.168.1.1/",
    "https://[fe80::1]/",
]
CLOSED: dict[str, dict[str, Any]] = {"guard": {"allow": []}}


@pytest.mark.parametrize(("kind", "made"), [("http", http_proxy), ("socks5h", socks_proxy)])
def test_no_notation_of_a_special_address_comes_past_the_guard_to_a_proxy(
    kind: str, made: Any
) -> None:
    with made() as proxy:
        found = fetch(SPECIAL, proxy=f"{kind}://{proxy.place}", sections=CLOSED).results
    assert {result.url: result.outcome for result in found} == dict.fromkeys(
        SPECIAL, Outcome.BLOCKED
    )
    assert proxy.asked == []


@pytest.mark.parametrize("to", ["http://0xa9fea9fe/", "http://[::ffff:10.0.0.1]/", "https://10.1/"])
def test_a_redirect_to_a_special_address_is_not_followed_through_a_proxy(to: str) -> None:
    away = Script(answer(b"", f"Location: {to}", status="302 Found"))
    with scripted({"/": away}) as server, http_proxy() as proxy:
        url = f"http://name.invalid:{server.port}/"
        (result,) = fetch([url], proxy=f"http://{proxy.place}", sections=CLOSED).results
    assert result.outcome is Outcome.BLOCKED
    assert proxy.asked == [f"GET {url} HTTP/1.1"]


def test_what_a_name_resolves_to_is_for_the_proxy_to_judge() -> None:
    """No name is looked up here, so that one of a private address reaches it."""
    with scripted(PAGE) as server, http_proxy() as proxy:
        urls = [f"http://{name}:{server.port}/" for name in ("localhost", "10.0.0.1.nip.invalid")]
        found = fetch(urls, proxy=f"http://{proxy.place}", sections=CLOSED).results
    assert {result.outcome for result in found} == {Outcome.OK}
    assert sorted(proxy.asked) == sorted(f"GET {url} HTTP/1.1" for url in urls)


@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test"])
@pytest.mark.parametrize(("kind", "made"), [("http", http_proxy), ("socks5h", socks_proxy)])
def test_a_proxy_may_be_in_a_network_that_the_guard_refuses(
    kind: str, made: Any, host: str
) -> None:
    zone = {("proxy.test", "A"): [at("127.0.0.1")], ("proxy.test", "AAAA"): [at()]}
    with scripted(PAGE) as server, made() as proxy, name_server(zone) as names:
        url = f"http://name.invalid:{server.port}/"
        place = f"{host}:{proxy.place.rpartition(':')[2]}"
        sections = CLOSED | {"dns": {"servers": [f"127.0.0.1:{names.port}"]}}
        (result,) = fetch([url], proxy=f"{kind}://{place}", sections=sections).results
    assert (result.outcome, result.remote_ip) == (Outcome.OK, "127.0.0.1")
    assert names.asked["name.invalid", "A"] == 0, "the proxy looks the hosts' names up"


def test_a_refusal_by_a_proxy_differs_from_one_by_a_site(tmp_path: Path) -> None:
    refusals = {
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n": "407",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n": "502",
    }
    for refusal, code in refusals.items():
        with http_proxy(refusal) as proxy:
            (result,) = fetch(["https://name.invalid/"], proxy=f"http://{proxy.place}").results
        assert (result.outcome, result.status) == (Outcome.CONNECT, None), result
        assert code in (result.error or "")


def test_a_proxy_that_is_not_there_is_a_failed_connection() -> None:
    for proxy in (f"http://{NOWHERE}", f"socks5h://{NOWHERE}"):
        (result,) = fetch(["http://name.invalid/"], proxy=proxy).results
        assert result.outcome is Outcome.CONNECT, result
    sections = {"dns": {"servers": ["127.0.0.1:9"], "timeout_s": 0.2, "tries": 1}}
    (result,) = fetch(
        ["http://name.invalid/"], proxy="http://proxy.invalid:3128", sections=sections
    ).results
    assert result.outcome is Outcome.CONNECT
    assert "http.proxy" in (result.error or "")


@pytest.mark.parametrize(
    ("proxy", "place"),
    [
        ("", None),
        ("http://Proxy.test:3128", ("proxy.test", 3128)),
        ("socks5h://u:p@0x7f.1:1080/", ("127.0.0.1", 1080)),
        ("https://[0::1]:443", ("::1", 443)),
    ],
)
def test_a_proxy_is_where_its_url_says(proxy: str, place: tuple[str, int] | None) -> None:
    assert _proxy_address(proxy) == place


def test_a_proxy_at_a_port_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"http\.proxy"):
        _proxy_address("http://proxy.test:99999")
