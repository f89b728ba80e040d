"""What a log-in function may leave in its session and return, and which mistakes are named."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from fetcher.fetch.failures import LoginFailure
from fetcher.fetch.requests_compat.login_function import _secrets
from fetcher.protocol.login_messages import SessionCookie, SessionHeader


def made(returned: Any = None, **cookies: dict[str, Any]) -> Any:
    session = requests.Session()
    for name, given in cookies.items():
        session.cookies.set(name, **given)
    return _secrets(session, dict(session.headers), returned)


def test_cookies_keep_their_domain_path_and_flags() -> None:
    found = made(
        host={"value": "1", "domain": "a.test", "path": "/in", "secure": True, "expires": 2e9},
        shared={"value": "2", "domain": ".B.test"},
        address={"value": "3", "domain": "127.0.0.1"},
    ).cookies
    assert sorted(found, key=lambda cookie: cookie.value) == [
        SessionCookie("host", "1", "a.test", False, "/in", True, 2e9),
        SessionCookie("shared", "2", "b.test", False, "/", False),
        SessionCookie("address", "3", "127.0.0.1", True, "/", False),
    ]


def test_a_cookie_that_is_not_ascii_is_sent_back_as_its_bytes_came() -> None:
    came = "é".encode().decode("latin-1")
    (cookie,) = made(sid={"value": came, "domain": "a.test"}).cookies
    assert cookie.value == came
    (cookie,) = made(sid={"value": "Ж", "domain": "a.test"}).cookies
    assert cookie.value == "Ж".encode().decode("latin-1")


class Text(str):
    """As the texts that lxml finds in a page."""

    __slots__ = ()


def test_subtypes_of_texts_are_taken_as_texts() -> None:
    found = made(
        {"headers": {Text("a.test"): {Text("X-Token"): Text("t")}}},
        sid={"value": Text("v"), "domain": Text("a.test"), "path": Text("/in")},
    )
    assert found.cookies == [SessionCookie("sid", "v", "a.test", False, "/in", False)]
    assert found.headers == [SessionHeader("a.test", "X-Token", "t")]


@pytest.mark.parametrize(
    ("place", "known_as"),
    [
        ("API.test", "api.test"),
        ("https://api.test", "https://api.test:443"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("api.test:8443", "https://api.test:8443"),
        ("https://[::1]:8443", "https://::1:8443"),
    ],
)
def test_a_place_is_a_host_or_an_origin(place: str, known_as: str) -> None:
    found = made({"headers": {place: {"X-Token": " t "}}}).headers
    assert found == [SessionHeader(known_as, "X-Token", "t")]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "it left no cookie"),
        ("token", "something else than None"),
        ({"header": {}}, "something else than None"),
        ({"headers": {"a.test": "X: 1"}}, "are not {PLACE: {NAME: VALUE}}"),
        ({"headers": {"a.test/path": {"X": "1"}}}, "is not a place for headers"),
        ({"headers": {"ftp://a.test": {"X": "1"}}}, "is not a place for headers"),
        ({"headers": {"https://u:p@a.test": {"X": "1"}}}, "is not a place for headers"),
        ({"headers": {"a.test": {"X Y": "1"}}}, "is not the name of a header"),
        ({"headers": {"a.test": {"X": "1\r\nY: 2"}}}, "the header X is not a text on one line"),
        ({"headers": {"a.test": {"X": 7}}}, "the header X is not a text on one line"),
        ({"headers": {"a.test": {"X": "1" * 20_000}}}, "too long"),
        ({"headers": {"a.test": {f"X{n}": "1" * 16_000 for n in range(20)}}}, "is the most"),
    ],
)
def test_a_wrong_return_value_is_named_without_its_secrets(returned: Any, said: str) -> None:
    with pytest.raises(LoginFailure) as caught:
        made(returned)
    assert said in str(caught.value) and "11111" not in str(caught.value)


def test_a_cookie_for_all_hosts_of_a_public_suffix_is_left_out_as_in_a_browser() -> None:
    shared, own = {"value": "1", "domain": ".co.uk"}, {"value": "2", "domain": "shop.co.uk"}
    assert [each.domain for each in made(a=shared, b=own).cookies] == ["shop.co.uk"]
    with pytest.raises(LoginFailure, match=r"no cookie for a host \(those for co.uk would go to"):
        made(a=shared)


def test_cookies_that_could_go_anywhere_or_end_a_header_are_refused() -> None:
    with pytest.raises(LoginFailure, match="the cookie 'sid' has no domain"):
        made(sid={"value": "1"})
    with pytest.raises(LoginFailure, match="control character or a semicolon"):
        made(sid={"value": "1\r\nX: 2", "domain": "a.test"})
