"""The frontier: which links become lines of a crawl, and in which order; nothing is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.frontier.admission import MAX_HOPS, Frontier
from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, NewLine, RowLinks, totals_of
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.links import LINKS_PER_SITEMAP, Link, LinkRequest
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import CrawlTotals, Refusal

SEED = 7


def frontier(*seeds: str, rules: CrawlRules | None = None) -> Frontier:
    made = Frontier(rules or CrawlRules(), SEED)
    made.seeds([Link(url) for url in seeds])
    return made


def offered(made: Frontier, *urls: str, line: int = 1, depth: int = 0) -> Admitted:
    return made.offer([Link(url) for url in urls], line, depth)


def urls(admitted: Admitted) -> list[str]:
    return [new.link.url for new in admitted.lines]


def test_a_link_becomes_a_line_once_and_is_an_edge_each_time() -> None:
    made = frontier("http://a.b/")
    first = offered(made, "http://a.b/x", "http://a.b/", "http://a.b/x", "http://A.b/x#part")
    assert [(new.line, new.link.url, new.found_on, new.depth) for new in first.lines] == [
        (2, "http://a.b/x", 1, 1)
    ]
    assert first.edges == [2, 1, 2, 2]
    assert totals_of([first]) == CrawlTotals(links=4, lines={1: 1})
    again = offered(made, "http://a.b/x", line=2, depth=1)
    assert (again.lines, again.edges) == ([], [2])


def test_a_request_of_a_handler_is_another_page_than_the_known_one_of_its_url() -> None:
    made = frontier("http://h/api")
    posts = [Link("http://h/api", "handler", request=LinkRequest("POST", body=b"1"))] * 2
    own = Link("http://h/api", "handler", request=LinkRequest(route="list"))
    admitted = made.offer([*posts, own], 1, 0)
    assert [(new.line, new.link) for new in admitted.lines] == [(2, posts[0])]
    assert admitted.edges == [2, 2, 1]
    assert made.offer(posts, 2, 1).edges == [2, 2]


def test_each_seed_becomes_a_line_once_whatever_the_rules_say() -> None:
    made = Frontier(CrawlRules(deny=("x",), path_depth=1), SEED)
    seeds = ["http://h/x/y/z", "http://h/x/y/z#1", "rubbish", "rubbish", "http://other/x"]
    admitted = made.seeds([Link(url, "seed") for url in seeds])
    assert urls(admitted) == ["http://h/x/y/z", "rubbish", "http://other/x"]
    assert [(new.line, new.found_on, new.depth) for new in admitted.lines] == [
        (1, 0, 0),
        (2, 0, 0),
        (3, 0, 0),
    ]
    assert admitted.edges == [
        1,
        ("duplicate", "http://h/x/y/z#1", "seed"),
        2,
        ("duplicate", "rubbish", "seed"),
        3,
    ]
    assert totals_of([admitted]) == CrawlTotals(links=5, lines={0: 3}, refused={"duplicate": 2})
    assert urls(offered(made, "http://other/a", "http://h/a", "http://third/a")) == [
        "http://other/a",
        "http://h/a",
    ]


def test_seeds_that_are_not_urls_share_no_budget_of_a_host() -> None:
    made = Frontier(CrawlRules(max_pages_per_host=1), SEED)
    assert len(made.seeds([Link("a"), Link("b"), Link("http://h/"), Link("http://h/2")]).lines) == 3


@pytest.mark.parametrize(
    ("rules", "url", "reason"),
    [
        (CrawlRules(), "http://user:pw@h/", Refusal.INVALID),
        (CrawlRules(), "ftp://h/", Refusal.INVALID),
        (CrawlRules(), "http://o/", Refusal.SCOPE),
        (CrawlRules(deny=("x",)), "http://h/x", Refusal.DENY),
        (CrawlRules(allow=("y",)), "http://h/x", Refusal.ALLOW),
        (CrawlRules(url_bytes=20), "http://h/0123456789012345", Refusal.URL_BYTES),
        (CrawlRules(path_depth=5), "http://h/1/2/3/4/5/6", Refusal.PATH_DEPTH),
        (CrawlRules(), "http://h/1/1/1/1", Refusal.REPEATED_SEGMENTS),
        (CrawlRules(depth=0), "http://h/x", Refusal.DEPTH),
        (CrawlRules(max_pages_per_host=1), "http://h/x", Refusal.PAGES_PER_HOST),
        (CrawlRules(max_pages=1), "http://h/x", Refusal.PAGES),
    ],
)
def test_each_refusal_has_its_reason_and_is_counted(
    rules: CrawlRules, url: str, reason: Refusal
) -> None:
    admitted = offered(frontier("http://h/", rules=rules), url)
    assert admitted.lines == []
    assert admitted.edges == [(reason, url, "a")]
    assert totals_of([admitted]) == CrawlTotals(links=1, refused={reason.value: 1})


def test_a_short_path_may_be_deeper_than_a_small_limit() -> None:
    made = frontier("http://h/", rules=CrawlRules(path_depth=1))
    assert offered(made, "http://h/1/2").edges == [("path_depth", "http://h/1/2", "a")]


def test_a_known_key_is_an_edge_even_where_the_rules_would_refuse_it() -> None:
    made = frontier("http://h/x", rules=CrawlRules(deny=("x",), depth=0, max_pages=1))
    assert offered(made, "http://h/x").edges == [1]


def test_redirects_assets_and_sitemaps_have_the_depth_of_their_finder() -> None:
    made = frontier("http://h/", rules=CrawlRules(depth=3))
    links = [
        Link("http://h/r", "redirect"),
        Link("http://cdn/i.png", "image"),
        Link("http://h/s.xml", "sitemap"),
        Link("http://h/a", "a"),
    ]
    admitted = made.offer(links, 1, 3, hops=2)
    assert [(new.line, new.depth, new.hops) for new in admitted.lines] == [
        (2, 3, 3),
        (3, 3, 3),
        (4, 3, 3),
    ]
    assert admitted.edges[3] == ("depth", "http://h/a", "a")


def test_redirects_in_a_row_come_to_an_end() -> None:
    made = frontier("http://h/")
    admitted = made.offer([Link("http://h/r", "redirect"), Link("http://h/a")], 1, 0, hops=MAX_HOPS)
    assert admitted.edges == [("hops", "http://h/r", "redirect"), 2]
    assert admitted.lines[0].hops == 0


def test_a_worker_that_tells_a_wrong_key_changes_nothing() -> None:
    made = frontier("http://h/")
    first = made.offer([Link("http://h/a", key="http://h/b"), Link("http://h/b")], 1, 0)
    assert urls(first) == ["http://h/a", "http://h/b"]
    second = made.offer([Link("http://h/a", key="nonsense")], 1, 0)
    assert (second.lines, second.edges) == ([], [2])


def test_a_worker_that_sends_too_many_links_gets_the_first_ones() -> None:
    made = frontier("http://h/", rules=CrawlRules(links_per_page=2))
    links = [
        Link("http://h/1"),
        Link("http://h/s", "listed"),
        Link("http://h/2"),
        Link("http://h/3"),
    ]
    admitted = made.offer(links, 1, 0)
    assert urls(admitted) == ["http://h/1", "http://h/s", "http://h/2"]
    assert totals_of([admitted]) == CrawlTotals(
        links=4, lines={1: 3}, refused={"links_per_page": 1}
    )
    listed = [Link("http://h/s", "listed")] * (LINKS_PER_SITEMAP + 1)
    assert len(made.offer(listed, 1, 0).edges) == LINKS_PER_SITEMAP


def test_links_that_the_worker_left_out_are_counted() -> None:
    row = RowLinks(1, 0, (), left_out={Refusal.NOFOLLOW: 3, Refusal.LINKS_PER_PAGE: 4})
    admitted = frontier("http://h/").offer_rows([row])[0]
    assert totals_of([admitted]) == CrawlTotals(
        links=7, refused={"nofollow": 3, "links_per_page": 4}
    )


def test_links_that_a_handler_made_differ_by_method_and_body() -> None:
    made = frontier("http://h/")
    texts = KeyTexts(CrawlRules())
    requests = [LinkRequest("POST", body=body) for body in (b"1", b"2", b"1")]
    links = [
        Link("http://h/", "handler", texts.of("http://h/", "POST", one.body) or "", 0, one)
        for one in requests
    ]
    assert made.offer(links, 1, 0).edges == [2, 3, 2]
    assert made.offer(links, 1, 0).edges == [2, 3, 2]


# A crawl of a small web: what each page links to, by number of the line.
_WEB = st.lists(
    st.lists(
        st.sampled_from(
            [f"http://{host}/{path}" for host in ("h", "i", "www.h", "o") for path in "abcde"]
            + ["http://h/a#x", "HTTP://H/a", "http://h/deny", "nonsense"]
        ),
        max_size=8,
    ),
    max_size=8,
)
_RULES = st.builds(
    CrawlRules,
    scope=st.sampled_from(["host", "any"]),
    deny=st.just(("deny",)),
    depth=st.integers(0, 3),
    max_pages=st.integers(1, 12),
    max_pages_per_host=st.integers(1, 6),
)


def crawl(
    rules: CrawlRules, web: list[list[str]], together: int = 1, restart_at: int | None = None
) -> tuple[list[NewLine], list[Edge], CrawlTotals]:
    """Fetch lines in order until none is left, several rows to a call, with a restart."""
    made = Frontier(rules, SEED)
    seeds = made.seeds([Link("http://h/a"), Link("http://i/a")])
    log, edges, totals, row = list(seeds.lines), list(seeds.edges), totals_of([seeds]), 0
    while row < len(log):
        if restart_at is not None and row >= restart_at:
            made, restart_at = Frontier(rules, SEED), None
            of_seeds = sum(not new.found_on for new in log)
            made.recover(b"".join(new.record for new in log), of_seeds)
        fetched = log[row : row + together]
        row += len(fetched)
        rows = [
            RowLinks(new.line, new.depth, tuple(map(Link, web[new.line % len(web)])), new.hops)
            for new in fetched
            if web
        ]
        for admitted in made.offer_rows(rows):
            log += admitted.lines
            edges += admitted.edges
            totals.add(totals_of([admitted]))
    return log, edges, totals


@given(_RULES, _WEB, st.integers(1, 4), st.integers(0, 6))
def test_a_crawl_keeps_its_promises(
    rules: CrawlRules, web: list[list[str]], together: int, restart_at: int
) -> None:
    log, edges, totals = crawl(rules, web)
    texts = KeyTexts(rules)
    assert [new.line for new in log] == list(range(1, len(log) + 1))
    assert len({texts.of(new.link.url) for new in log}) == len(log)  # once by its key
    assert len(log) <= rules.max_pages
    hosts = [web_urls.host_of(new.link.url) for new in log]
    assert all(hosts.count(host) <= rules.max_pages_per_host for host in hosts)
    assert all(new.depth <= rules.depth for new in log)
    assert all(len(new.record) == RECORD_BYTES for new in log)
    for new in log:
        assert new.found_on < new.line
        assert not new.found_on or new.depth == log[new.found_on - 1].depth + 1
    # Nothing is dropped silently: each link is an edge, to a line or to a reason that is counted.
    assert len(edges) == totals.links
    assert sum(totals.lines.values()) == len(log)
    assert sum(totals.refused.values()) == sum(isinstance(edge, tuple) for edge in edges)
    # The same, however often the sink stops, and where several rows are judged at once.
    assert crawl(rules, web, restart_at=restart_at)[0] == log
    assert crawl(rules, web, together)[0] == log
