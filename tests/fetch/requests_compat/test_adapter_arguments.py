"""What one call of requests may say (timeout, verify, cert, proxies, its URL and headers): as with
the stock adapter."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from support.by_hand import MAX_S, crowded, read_head, served, session
from support.proxies import http_proxy, socks_proxy
from support.scripted import Script, answer, head, scripted
from support.secure import context_of, https_server
from tools.certificates import Authority

# libcurl has the number of a socket that Python forgets.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket object:ResourceWarning",
    "ignore::urllib3.exceptions.InsecureRequestWarning",
)
OK = Script(answer(b"ok"), end="keep")


def raised(call: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def both(url: str, change: Callable[[requests.PreparedRequest], None]) -> list[str]:
    """What the stock adapter and ours show of a request that is changed after its preparation."""
    shown = []
    for asking in (session(HTTPAdapter()), session()):
        prepared = asking.prepare_request(requests.Request("GET", url))
        change(prepared)
        try:
            shown.append(asking.send(prepared).text)
        # Whatever it is, both have to show the same.
        except Exception as error:
            shown.append(type(error).__name__)
    return shown


# -- timeouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "timeout", [(3, 4, 5), "foo", (1, "foo"), 0, -1, (None, 0), True, object()]
)
def test_a_bad_timeout_is_the_same_error_as_with_the_stock_adapter(timeout: Any) -> None:
    url = "http://127.0.0.1:1/"
    stock, ours = (
        raised(lambda used=used: used.get(url, timeout=timeout))  # type: ignore[misc]
        for used in (session(HTTPAdapter()), session())
    )
    assert type(ours) is type(stock) is ValueError
    assert str(ours) == str(stock)


@pytest.mark.parametrize(
    "timeout", [0.2, (MAX_S, 0.2), urllib3.Timeout(read=0.2), urllib3.Timeout(total=0.2)]
)
def test_a_server_that_does_not_answer_is_a_read_timeout_that_names_it(timeout: Any) -> None:
    with scripted({"/": Script(end="hang")}) as server:
        began = time.monotonic()
        error = raised(lambda: session().get(server.url("/"), timeout=timeout))
    assert time.monotonic() - began < MAX_S / 2
    assert type(error) is requests.exceptions.ReadTimeout
    assert "Read timed out. (read timeout=0." in str(error)
    assert isinstance(error.args[0], urllib3.exceptions.ReadTimeoutError)


def test_the_read_timeout_is_for_each_silence_and_not_for_the_whole_answer() -> None:
    pieces: list[bytes | float] = [0.3, b"x"]
    steady = Script(head("Content-Length: 6"), *pieces * 6)
    stuck = Script(head("Content-Length: 6") + b"x", end="hang")
    with scripted({"/steady": steady, "/stuck": stuck}) as server:
        assert session().get(server.url("/steady"), timeout=(5, 1)).text == "xxxxxx"
        error = raised(lambda: session().get(server.url("/stuck"), timeout=(5, 0.3)))
    # As with the stock adapter: in the body it is a ConnectionError.
    assert type(error) is requests.exceptions.ConnectionError
    assert "Read timed out. (read timeout=0.3)" in str(error)


def test_a_slow_reader_does_not_count_as_silence_of_the_server() -> None:
    body = b"x" * 3_000_000
    with scripted({"/": Script(answer(body))}) as server:
        response = session().get(server.url("/"), timeout=1, stream=True)
        time.sleep(2)
        assert response.content == body


@pytest.mark.parametrize(
    "timeout", [0.2, (0.2, None), urllib3.Timeout(connect=0.2), urllib3.Timeout(total=0.2)]
)
def test_a_connection_that_is_not_made_is_a_connect_timeout_that_names_it(timeout: Any) -> None:
    with crowded() as url:
        began = time.monotonic()
        error = raised(lambda: session().get(url, timeout=timeout))
    assert time.monotonic() - began < MAX_S / 2
    assert type(error) is requests.exceptions.ConnectTimeout
    assert "(connect timeout=0.2)" in str(error)


def test_no_timeout_leaves_the_settings_limits() -> None:
    with scripted({"/": Script(end="hang")}) as server:
        error = raised(lambda: session(http={"total_timeout_s": 0.3}).get(server.url("/")))
        assert "http.total_timeout_s (0.3 s)" in str(error)


# -- TLS and proxies -----------------------------------------------------------------------------


def test_verify_and_cert_are_those_of_the_request(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.issue(["127.0.0.1"])
    certificate, key = authority.issue(["client"])
    asking = session()
    ca_file = str(authority.ca_file)
    with https_server(context_of(*server)) as port:
        url = f"https://127.0.0.1:{port}/"
        assert asking.get(url, verify=ca_file).ok
        assert isinstance(raised(lambda: asking.get(url)), requests.exceptions.SSLError)
        assert asking.get(url, verify=False).ok
        # A connection that was made without a check serves nobody who wants one.
        assert isinstance(raised(lambda: asking.get(url)), requests.exceptions.SSLError)
        assert str(raised(lambda: asking.get(url, verify="/gone"))).endswith("path: /gone")
        assert str(raised(lambda: asking.get(url, cert="/gone"))).endswith("path: /gone")
    with https_server(context_of(*server, trusted=authority.ca_file)) as port:
        url = f"https://127.0.0.1:{port}/"
        assert asking.get(url, verify=ca_file, cert=(str(certificate), str(key))).ok
        assert isinstance(
            raised(lambda: asking.get(url, verify=ca_file)), requests.exceptions.RequestException
        )


def test_verify_may_name_a_directory_of_authorities(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    folder = tmp_path / "authorities"
    folder.mkdir()
    with https_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/"
        assert isinstance(
            raised(lambda: session().get(url, verify=str(folder))), requests.exceptions.SSLError
        )


@pytest.mark.parametrize("scheme", ["http", "socks5h", "socks5"])
def test_a_proxy_is_the_request_s_own(scheme: str) -> None:
    proxy = http_proxy() if scheme == "http" else socks_proxy()
    with scripted({"/": OK}) as server, proxy as between:
        place = between.place.rpartition("/")[2]
        proxies = {"http": f"{scheme}://{place}"}
        asking = session()
        url = server.url("/").replace("127.0.0.1", "localhost")
        assert asking.get(url, proxies=proxies).text == "ok"
        assert asking.get(url).text == "ok"


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://0x0a.1/", "http://167772161/"])
def test_the_guard_holds_with_a_proxy_of_the_request(url: str) -> None:
    with http_proxy() as between:
        proxies = {"http": f"http://{between.place.rpartition('/')[2]}"}
        error = raised(lambda: session().get(url, proxies=proxies))
    assert "guard.allow" in str(error)


@pytest.mark.parametrize("proxy", ["http:/bad:3128", "http://:8080", "https://", "http:///a:8080"])
def test_a_proxy_without_a_host_is_the_stock_adapter_s_error(proxy: str) -> None:
    error = raised(lambda: session().get("http://127.0.0.1:1/", proxies={"http": proxy}))
    assert type(error) is requests.exceptions.InvalidProxyURL


def test_a_proxy_that_cannot_be_reached_is_a_proxy_error() -> None:
    proxies = {"http": "127.0.0.1:1"}
    error = raised(lambda: session().get("http://www.example.com/", proxies=proxies))
    assert type(error) is requests.exceptions.ProxyError


def test_a_proxy_that_refuses_is_a_proxy_error() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with http_proxy(refusal) as between:
        proxies = {"https": f"http://{between.place.rpartition('/')[2]}"}
        error = raised(lambda: session().get("https://www.example.com/", proxies=proxies))
    assert type(error) is requests.exceptions.ProxyError
    assert "407" in str(error)


# -- what is sent --------------------------------------------------------------------------------


def _says_what_it_was_asked(connection: socket.socket) -> None:
    asked = read_head(connection).split(b"\r\n")
    connection.sendall(answer(b"\n".join(sorted(asked)), "Connection: close"))


@pytest.mark.parametrize("path", ["/a/../b", "/a b", "/é", "?x", "//x", "/a#b", "/a?b#c?"])
def test_a_url_that_was_changed_after_its_preparation_goes_out_as_with_the_stock_one(
    path: str,
) -> None:
    with served(_says_what_it_was_asked) as base:

        def change(prepared: requests.PreparedRequest) -> None:
            prepared.url = base + path

        stock, ours = both(base, change)
    assert _target(ours) == _target(stock)


def _target(shown: str) -> str:
    return next((line for line in shown.split("\n") if line.startswith("GET")), shown)


@pytest.mark.parametrize("name", ["Accept", "User-Agent", "Accept-Encoding"])
def test_a_header_that_is_taken_away_is_not_sent(name: str) -> None:
    with served(_says_what_it_was_asked) as base:

        def change(prepared: requests.PreparedRequest) -> None:
            del prepared.headers[name]

        stock, ours = both(base, change)
    assert _without_agent(ours) == _without_agent(stock)


def _without_agent(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if not line.startswith("User-Agent: ")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-Smuggled: b"),
        ("X-A\r\nX-Smuggled", "b"),
        ("X-A", "é"),
        ("X-A", b"\xff\xfe"),
        ("X-A", "\u4e2d"),
        ("Host", "other.test"),
        ("X-A", ""),
    ],
)
def test_a_header_that_was_added_after_the_preparation_is_as_with_the_stock_adapter(
    name: str, value: Any
) -> None:
    with served(_says_what_it_was_asked) as base:
        stock, ours = both(base, lambda prepared: prepared.headers.update({name: value}))
    assert ours.rstrip() == stock.rstrip()


@pytest.mark.parametrize("method", ["GE\r\nT", "G\x00", "PURGE", "get"])
def test_an_unusual_method_is_as_with_the_stock_adapter(method: str) -> None:
    def change(prepared: requests.PreparedRequest) -> None:
        prepared.method = method

    with served(_says_what_it_was_asked) as base:
        stock, ours = both(base, change)
    assert ours == stock


@pytest.mark.parametrize("host", ["127.0.0.1%2f", "a..b", ".a", "a" * 64, "a b", "x" * 300])
def test_a_host_that_libcurl_could_read_otherwise_is_an_invalid_url(host: str) -> None:
    def change(prepared: requests.PreparedRequest) -> None:
        prepared.url = f"http://{host}/"

    assert both("http://127.0.0.1:1/", change)[1] in ("InvalidURL", "LocationParseError")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "127.0.0.1."])
def test_the_guard_judges_the_host_that_is_connected_to(host: str) -> None:
    with scripted({"/": OK}) as server:
        closed = session(guard={"allow": []})
        prepared = closed.prepare_request(requests.Request("GET", "http://127.0.0.1/"))
        prepared.url = f"http://{host}:{server.port}/"
        assert "guard.allow" in str(raised(lambda: closed.send(prepared)))
        assert not server.asked


def test_conflicting_lengths_are_an_invalid_header() -> None:
    lying = Script(head("Content-Length: 5", "Content-Length: 6") + b"hello!")
    with scripted({"/": lying}) as server:
        error = raised(lambda: session().get(server.url("/")))
    assert type(error) is requests.exceptions.InvalidHeader


def test_user_and_password_in_a_url_are_sent_as_authorization() -> None:
    with served(_says_what_it_was_asked) as base:
        url = base.replace("//", "//me:secret@")
        said = session().get(url).text
    assert "Authorization: Basic bWU6c2VjcmV0" in said
    assert "secret@" not in said


# -- the session ---------------------------------------------------------------------------------


def test_a_session_can_be_pickled_and_goes_on() -> None:
    with scripted({"/": OK}) as server:
        asking = session()
        assert asking.get(server.url("/")).ok
        other = pickle.loads(pickle.dumps(asking))
        assert other.get(server.url("/")).ok
        assert pickle.loads(pickle.dumps(other.get(server.url("/")))).text == "ok"


def test_a_session_serves_several_threads() -> None:
    texts: list[str] = []
    with scripted({"/": Script(0.2, answer(b"ok"))}) as server:
        asking = session()
        asking.get(server.url("/"))
        threads = [
            threading.Thread(target=lambda: texts.append(asking.get(server.url("/")).text))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(MAX_S)
    assert texts == ["ok"] * 4
