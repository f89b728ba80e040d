"""Which answers mean that a session has ended."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher.fetch.http.logged_out import LoggedOutRules, TextSearch
from fetcher.fetch.transfer.message import NO_ANSWER
from fetcher.fetch.urls import target_of

HERE = target_of("https://www.a.test/in/page?x=1", 8192)


def fitting(rules: str, status: int, location: str = "") -> str:
    answer = replace(NO_ANSWER, status=status, redirect_to=location)
    return LoggedOutRules(rules).fitting(HERE, answer, None)


def test_a_status_fits_exactly() -> None:
    rules = "status:401| status:419 "
    assert fitting(rules, 401) == "status:401"
    assert fitting(rules, 419) == "status:419"
    assert fitting(rules, 403) == fitting("", 401) == ""


@pytest.mark.parametrize(
    ("rule", "location", "fits"),
    [
        ("redirect:/login", "/login?next=/in", True),
        ("redirect:/login", "https://sso.b.test/login.php", True),
        ("redirect:/login", "/en/login", False),
        ("redirect:/in/login", "login", True),
        ("redirect:https://sso.b.test/", "https://sso.b.test/any?x", True),
        ("redirect:https://sso.b.test/", "/login?https://sso.b.test/", False),
        ("redirect:/login", "http://[::1", False),
    ],
)
def test_a_redirect_fits_by_the_beginning_of_its_path_or_of_its_url(
    rule: str, location: str, fits: bool
) -> None:
    assert fitting(rule, 302, location) == (rule if fits else "")


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_text_is_found_wherever_the_body_is_cut(size: int) -> None:
    body = b"<p>not yet. Please log in</p>"
    search = TextSearch(LoggedOutRules("text:Please log in|text:never").texts)
    for at in range(0, len(body), size):
        search.feed(body[at : at + size])
    assert search.rule == "text:Please log in"


def test_a_text_is_found_in_utf_8_and_in_western_pages_and_in_no_part_of_itself() -> None:
    texts = LoggedOutRules("text:Déconnecté|text:Войти now").texts
    for body, rule in (
        ("Déconnecté".encode(), "text:Déconnecté"),
        ("Déconnecté".encode("latin-1"), "text:Déconnecté"),
        ("Войти now".encode(), "text:Войти now"),
        (b" now", ""),
    ):
        search = TextSearch(texts)
        search.feed(body)
        assert search.rule == rule
