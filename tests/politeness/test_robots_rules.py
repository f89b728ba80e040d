"""What a robots.txt says to us, and that no text of it is expensive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from fetcher.politeness.robots_rules import MAX_BYTES, RobotsTxt, product_of

SITE = "http://a.test"


def allowed(text: str, path: str, agent: str = "fetcher") -> bool:
    return RobotsTxt(text.encode(), agent).allows(SITE + path)


@pytest.mark.parametrize(
    ("rules", "open_", "closed"),
    [
        ("Disallow: /private", "/public", "/private/x"),
        ("Disallow: /a\nAllow: /a/b", "/a/b/c", "/a/c"),
        ("Disallow: /*.pdf$", "/x.pdf?y", "/x.pdf"),
        ("Disallow: /a%3Cb", "/ab", "/a<b"),
        ("Disallow:\n", "/", None),
        ("Disallow: /", "/robots.txt", "/"),
        ("disallow : /x  # why", "/", "/x"),
    ],
)
def test_the_longest_rule_that_matches_decides(rules: str, open_: str, closed: str | None) -> None:
    text = f"User-agent: *\n{rules}\n"
    assert allowed(text, open_)
    assert closed is None or not allowed(text, closed)


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("fetcher", True), ("Fetcher", True), ("fetch", True), ("etcher", False), ("other", False)],
)
def test_a_group_is_ours_by_the_products_name_and_then_no_other_one(
    name: str, is_ours: bool
) -> None:
    text = f"User-agent: *\nDisallow: /all\n\nUser-agent: {name}\nDisallow: /named\n"
    assert allowed(text, "/named") is not is_ours
    assert allowed(text, "/all") is is_ours


def test_names_that_share_a_group_share_its_rules() -> None:
    text = "User-agent: other\nUser-agent: fetcher\nDisallow: /x\nUser-agent: third\nDisallow: /\n"
    assert not allowed(text, "/x")
    assert allowed(text, "/y")


def test_a_byte_order_mark_and_odd_bytes_hide_no_rule() -> None:
    body = b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /x\r\n\xff\xfe\r\nDisallow: /y\r"
    robots = RobotsTxt(body, "fetcher")
    assert not robots.allows(f"{SITE}/x") and not robots.allows(f"{SITE}/y")


def test_a_crawl_delay_is_seconds_and_nonsense_is_none() -> None:
    for said, delay_s in (("2.5", 2.5), ("0", 0.0), ("soon", 0.0), ("-1", 0.0), ("inf", 0.0)):
        robots = RobotsTxt(f"User-agent: *\nCrawl-delay: {said}\n".encode(), "fetcher")
        assert robots.delay_s == delay_s, said


def test_no_more_is_read_than_the_cap() -> None:
    filler = b"#" * (MAX_BYTES - 40) + b"\nDisallow: /a\n"
    robots = RobotsTxt(b"User-agent: *\n" + filler + b"#" * 20 + b"\nDisallow: /b\n", "fetcher")
    assert not robots.allows(f"{SITE}/a")
    assert robots.allows(f"{SITE}/b")


@pytest.mark.parametrize(
    "line",
    ["User-agent: {}", "useragent {}", "USER  AGENT {}", "User-agent: f*e{}", "User-agent:{}*"],
)
def test_many_names_times_many_rules_cost_no_more_than_their_text(line: str) -> None:
    names = "".join(line.format(f"x{number}\n") for number in range(5000))
    rules = "Disallow: /a\n" * 5000
    robots = RobotsTxt((names + rules).encode(), "fetcher")
    kept = [len(rule_set._rules) for rule_set in robots._rules._user_agents.values()]
    assert sum(kept) <= 2 * 5000, "and not 25 million"


@pytest.mark.parametrize(
    ("agent", "product"),
    [("fetcher/0.1 (x)", "fetcher"), ("My-Bot", "My-Bot"), ("a b/c", "a"), ("/", "*")],
)
def test_the_products_name_is_what_stands_before_its_version(agent: str, product: str) -> None:
    assert product_of(agent) == product


NAMES = ("*", "fetcher", "FETCH", "fetcherx", "other", "my-fetcher", "fet*cher", "**", "", "f")
FIELDS = ("User-agent: ", "user agent ", "useragent:", "User-Agent :", " user-agent:\t")
LINES = st.one_of(
    st.builds("{}{}".format, st.sampled_from(FIELDS), st.sampled_from(NAMES)),
    st.builds(
        "{}: {}".format,
        st.sampled_from(("Allow", "Disallow", "Crawl-delay", "Sitemap", "Host", "Unknown")),
        st.sampled_from(("/", "/a", "/a*b$", "/a/b", "3", "", "http://a.test/s.xml")),
    ),
    st.sampled_from(("", "# comment", "User-agent", "User-agent: fetcher # us", "nonsense")),
)


@given(st.lists(LINES, max_size=12), st.sampled_from(("fetcher", "my-fetcher", "Other", "*")))
def test_it_says_what_the_whole_text_says(lines: list[str], agent: str) -> None:
    text = "\n".join(lines)
    ours, whole = RobotsTxt(text.encode(), agent), Protego.parse(text)
    for path in ("/", "/a", "/axb", "/a/b", "/c"):
        assert ours.allows(SITE + path) == whole.can_fetch(SITE + path, agent)
    assert ours.delay_s == (whole.crawl_delay(agent) or 0.0)


def test_all_sitemaps_that_are_named_are_known_up_to_the_limit_of_the_text() -> None:
    named = [f"{SITE}/map{number}.xml" for number in range(30_000)]
    text = "".join(f"Sitemap: {url}\n" for url in named).encode()
    assert RobotsTxt(text[: MAX_BYTES // 2], "fetcher").sitemaps[:5000] == tuple(named[:5000])
    found = RobotsTxt(text, "fetcher").sitemaps
    assert found[:-1] == tuple(named[: len(found) - 1]) and len(found) > 10_000
