"""The verdicts on many links at once are those on each of them alone, with all of its text read."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.frontier import judge as judge_room
from fetcher.frontier.judge import Judge, Judged, Verdict
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.keys import host_numbers
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import MAX_LINK_CHARS, Link, LinkRequest
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import Refusal
from fetcher.frontier.traps import Traps

SEED: Final = 5
SEEDS: Final = ("http://h.test/dir/", "http://www.i.test/")


def scope_of(rules: CrawlRules) -> ScopeRules:
    scope = ScopeRules(rules, SEED)
    scope.add_urls(SEEDS)
    scope.add_hosts(host_numbers(map(web_urls.host_of, SEEDS), SEED))
    return scope


def alone(rules: CrawlRules, link: Link) -> tuple[Verdict, str | None]:
    """The verdict on one link and its key text, step by step."""
    request = link.request or LinkRequest()
    text = KeyTexts(rules).of(link.url, request.method, request.body)
    if text is None:
        return Refusal.INVALID, None
    url = KeyTexts(rules).of(link.url) or ""
    host = web_urls.host_of(url)
    scope = scope_of(rules)
    reason = Refusal.URL_BYTES if len(url) > rules.url_bytes else None
    reason = reason or scope.refusal(url, host, scope.are_near([host])[0], link.via)
    return reason or Traps(rules).refusal(url) or int(host_numbers([host], SEED)[0]), text


_ODD: Final = """rubbish ftp://h.test/ http://u:p@h.test/ http://h.test http://[::1]/x
http://h.test/\u00e9 http://h.test./dir/"""
_PATHS: Final = """dir/x dir/../y a/a/a a/a/a/a a/b/c/d/e x?b=2&a=1 x?sid=1 d#e deny
longlonglonglong x?q=\\ x?deny"""
_URLS: Final = st.one_of(
    st.sampled_from(["", "http://h.test/a\nhttp://h.test/b", *_ODD.split()]),
    st.builds(
        "{}://{}/{}".format,
        st.sampled_from(["http", "https", "HTTP"]),
        st.sampled_from(["h.test", "www.h.test", "i.test", "o.test", "h.test:81", "H.test"]),
        st.sampled_from(["", *_PATHS.split()]),
    ),
)
_LINKS: Final = st.builds(
    Link,
    _URLS,
    st.sampled_from(["a", "image", "redirect", "frame", "sitemap", "nonsense"]),
    st.sampled_from(["", "", "", "http://h.test/dir/x", "lie"]),
    st.just(0),
    st.sampled_from([None, None, None, LinkRequest("POST", body=b"x"), LinkRequest(route="r")]),
)
_RULES: Final = st.builds(
    CrawlRules,
    scope=st.sampled_from(["page", "prefix", "host", "domain", "any"]),
    deny=st.sampled_from([(), ("deny",)]),
    allow=st.sampled_from([(), ("test/d",)]),
    sort_query=st.booleans(),
    drop_params=st.sampled_from([(), ("sid",)]),
    path_depth=st.sampled_from([4, 20]),
    url_bytes=st.sampled_from([25, 2048]),
)


def judged_by(judge: Judge, links: list[Link]) -> Judged:
    table = LinkTable.of(links)
    return judge.judge(table, table.texts())


@settings(deadline=None)
@given(_RULES, st.lists(st.lists(_LINKS, max_size=6), max_size=3))
def test_many_links_are_judged_as_each_alone(rules: CrawlRules, calls: list[list[Link]]) -> None:
    judge = Judge(rules, SEED, scope_of(rules))
    for links in calls:
        judged = judged_by(judge, links)
        expected = [alone(rules, link) for link in links]
        assert judged.verdicts == [verdict for verdict, _ in expected]
        for index, (link, (_, text)) in enumerate(zip(links, expected, strict=True)):
            is_told = text is None or text == (link.key or link.url)
            assert judged.texts.get(index) == (None if is_told else text)


@settings(deadline=None)
@given(_RULES, st.lists(_LINKS, max_size=6))
def test_seeds_have_key_texts_and_hosts(rules: CrawlRules, links: list[Link]) -> None:
    texts, hosts, origins = Judge(rules, SEED, ScopeRules(rules, SEED)).seeds(links)
    assert origins == web_urls.plain_origins([link.url for link in links])
    for link, text, host in zip(links, texts, hosts, strict=True):
        request = link.request or LinkRequest()
        key = KeyTexts(rules).of(link.url, request.method, request.body)
        assert text == (key or f"invalid {link.url}")
        assert host == web_urls.host_of(link.url)


def test_a_link_that_fits_into_no_message_is_refused() -> None:
    judge = Judge(CrawlRules(scope="any"), SEED, scope_of(CrawlRules(scope="any")))
    breaks = Link("http://h.test/" + "\t" * MAX_LINK_CHARS)  # its key is short
    body = LinkRequest("POST", body=b"x" * MAX_LINK_CHARS)
    links = [breaks, Link("http://h.test/", "handler", request=body), Link("http://h.test/")]
    assert judged_by(judge, links).verdicts == [
        Refusal.URL_BYTES,
        Refusal.URL_BYTES,
        int(host_numbers(["h.test"], SEED)[0]),
    ]


def test_hosts_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_room, "_KNOWN_ORIGINS", 10)
    judge = Judge(CrawlRules(), SEED, scope_of(CrawlRules()))
    for first in range(0, 100, 5):
        links = [Link(f"http://o{n}.test/") for n in range(first, first + 5)]
        assert judged_by(judge, [*links, Link("http://h.test/")]).verdicts == [
            *[Refusal.SCOPE] * 5,
            int(host_numbers(["h.test"], SEED)[0]),
        ]
        assert len(judge._hosts) <= 10 + 6
