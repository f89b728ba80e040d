"""Scope: where a crawl may go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fetcher import web_urls
from fetcher.frontier.keys import HostNumbers, host_numbers, with_schemes
from fetcher.frontier.rules import CrawlRules, Scope
from fetcher.frontier.scope import ScopeRules, registrable
from fetcher.frontier.totals import Refusal

SEEDS = ("http://www.shop.co.uk/books/list?x=1", "https://o.example:8443/", "not a url")


def refusal(rules: CrawlRules, url: str, via: str = "a") -> Refusal | None:
    scope = ScopeRules(rules, 3)
    scope.add_urls(SEEDS)
    scope.add_hosts(host_numbers(map(web_urls.host_of, SEEDS), 3))
    host = web_urls.host_of(url)
    (is_near,) = scope.are_near([host])
    return scope.refusal(url, host, is_near, via)


@pytest.mark.parametrize(
    ("url", "is_foreign"),
    [
        ("http://www.shop.co.uk/other", False),
        ("https://www.shop.co.uk/", False),
        ("http://shop.co.uk/", True),
        ("http://www.shop.co.uk:8080/", True),
        ("https://o.example:8443/x", False),
        ("http://o.example:8443/x", True),
        ("https://o.example/", True),
    ],
)
def test_a_url_is_foreign_unless_it_is_on_a_seeds_host_as_safe_as_there(
    url: str, is_foreign: bool
) -> None:
    scope = ScopeRules(CrawlRules(scope="any"), 3)
    scope.add_homes(origins(SEEDS))
    assert scope.are_foreign(origins([url])) == [is_foreign]


def origins(urls: Sequence[str]) -> HostNumbers:
    hosts = host_numbers(map(web_urls.host_of, urls), 3)
    return with_schemes(hosts, urls, web_urls.plain_origins(urls))


@pytest.mark.parametrize(
    ("scope", "url", "is_in"),
    [
        ("page", "http://www.shop.co.uk/books/other", False),
        ("prefix", "http://www.shop.co.uk/books/other", True),
        ("prefix", "https://shop.co.uk/books/a/b?c", True),
        ("prefix", "http://www.shop.co.uk/bookshelf", False),
        ("prefix", "http://www.shop.co.uk/", False),
        ("prefix", "http://www.shop.co.uk/x?/books/", False),
        ("prefix", "https://o.example:8443/any", True),
        ("host", "https://shop.co.uk/", True),
        ("host", "http://img.shop.co.uk/", False),
        ("host", "http://www.shop.co.uk:8080/", False),
        ("host", "https://o.example:8443/x", True),
        ("host", "https://o.example/x", False),
        ("host", "http://shop.co.uk.evil.example/", False),
        ("domain", "http://img.shop.co.uk/", True),
        ("domain", "http://img.shop.co.uk:8080/", True),
        ("domain", "http://other.co.uk/", False),
        ("domain", "http://evilshop.co.uk/", False),
        ("any", "http://anything.test/", True),
    ],
)
def test_a_link_is_in_scope_if_it_is_near_a_seed(scope: Scope, url: str, is_in: bool) -> None:
    assert refusal(CrawlRules(scope=scope), url) == (None if is_in else Refusal.SCOPE)


@pytest.mark.parametrize("scope", ["page", "prefix", "host", "domain"])
def test_an_asset_of_a_page_in_scope_is_in_scope_wherever_it_lies(scope: Scope) -> None:
    rules = CrawlRules(scope=scope, deny=(r"\.gif$",), allow=("/books/",))
    assert refusal(rules, "http://cdn.test/x.png", "image") is None
    assert refusal(rules, "http://cdn.test/x.gif", "image") is Refusal.DENY


def test_the_redirect_of_a_seed_stays_on_its_host_even_with_scope_page() -> None:
    rules = CrawlRules(scope="page")
    assert refusal(rules, "https://shop.co.uk/start", "redirect") is None
    assert refusal(rules, "https://login.test/", "redirect") is Refusal.SCOPE
    assert refusal(CrawlRules(), "https://login.test/", "redirect") is Refusal.SCOPE


def test_deny_wins_over_allow_and_allow_must_match_if_there_is_one() -> None:
    rules = CrawlRules(allow=("/books/", "/music/"), deny=("[?&]print=",))
    assert refusal(rules, "http://shop.co.uk/music/1") is None
    assert refusal(rules, "http://shop.co.uk/films/1") is Refusal.ALLOW
    assert refusal(rules, "http://shop.co.uk/books/1?print=1") is Refusal.DENY
    assert refusal(rules, "http://other.test/books/1") is Refusal.SCOPE


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.com", "example.com"),
        ("a.example.co.uk:8080", "example.co.uk"),
        ("user.github.io", "user.github.io"),
        ("a.user.github.io", "user.github.io"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("a.b.unknown-suffix", "b.unknown-suffix"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:80", "10.1.2.3"),
        ("[::1]", "[::1]"),
        ("[2001:db8::1]:8080", "[2001:db8::1]"),
        ("a.xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_what_somebody_registered(host: str, domain: str) -> None:
    assert registrable(host) == domain


def test_seeds_make_the_same_scope_by_their_urls_and_by_their_hosts() -> None:
    hosts = ["h.test", "www.h.test", "www.www.h.test", "w.test", "h.test:80", "www.", ""]
    seeds = ["www.h.test", "w.test"]
    told = ScopeRules(CrawlRules(), 1)
    told.add_hosts(host_numbers([*seeds, ""], 1))
    assert told.are_near(hosts) == [True, True, False, True, False, False, False]
    again = ScopeRules(CrawlRules(), 1)
    for seed in [*seeds, *seeds]:
        again.add_hosts(host_numbers([seed], 1))
    assert again.are_near(hosts) == told.are_near(hosts)


def test_the_folders_of_seeds_are_remembered_in_any_number() -> None:
    scope = ScopeRules(CrawlRules(scope="prefix"), 1)
    scope.add_urls(f"http://h{n % 7}.test/a/{n}/x" for n in range(3000))
    scope.add_urls(["http://h0.test/b/x", "rubbish"])
    (is_near,) = scope.are_near(["h0.test"])

    def is_in(url: str) -> bool:
        return scope.refusal(url, "h0.test", is_near, "a") is None

    assert is_in("http://h0.test/a/7/deeper/y")
    assert is_in("http://www.h0.test/b/")
    assert not is_in("http://h0.test/a/8/y"), "that is a folder on another host"
    assert not is_in("http://h0.test/a/")
    assert scope.are_near(["other.test"]) == [False]
