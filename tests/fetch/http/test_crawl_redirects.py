"""Redirects in a crawl: one to another page ends the fetch, one to the same page is followed."""

from __future__ import annotations

from fetcher.model import Outcome, Result
from support.fetching import fetch
from support.scripted import Asked, Script, answer, scripted


def moved(location: str, *lines: str, status: str = "302 Found") -> Script:
    return Script(answer(b"gone", f"Location: {location}", *lines, status=status))


def test_a_redirect_to_another_page_ends_the_fetch_and_says_where_it_leads() -> None:
    other = moved("/other?a=1", status="301 Moved Permanently")
    with scripted({"/": other}) as server:
        (row,) = fetch([server.url("/")], crawls="yes").results
        assert [asked.path for asked in server.asked] == ["/"], "nothing follows it"
    assert (row.outcome, row.status) == (Outcome.OK, 301)
    assert row.location == server.url("/other?a=1")
    assert (row.final_url, row.redirects) == (server.url("/"), ())
    assert (row.body_bytes, row.sha256) == (None, None)


def test_a_redirect_to_the_same_page_is_followed_with_its_cookie() -> None:
    def bounce(asked: Asked) -> Script:
        has_cookie = b"cookie: seen=1" in server.heads[asked.connection - 1].lower()
        return Script(answer(b"here")) if has_cookie else moved("/", "Set-Cookie: seen=1")

    with scripted({"/": bounce}) as server:
        (row,) = fetch([server.url("/#part")], crawls="yes").results
    assert (row.outcome, row.status, row.body_bytes) == (Outcome.OK, 200, 4)
    assert row.redirects == (server.url("/#part"),)
    assert not isinstance(row.location, str)


def test_a_page_that_redirects_to_itself_for_ever_ends() -> None:
    with scripted({"/": moved("/")}) as server:
        (row,) = fetch([server.url("/")], crawls="yes", max_redirects=3).results
        assert len(server.asked) == 4
    assert (row.outcome, row.error_kind) == (Outcome.REDIRECTS, "loop")


def test_a_redirect_that_leads_to_no_page_fails_as_in_a_list() -> None:
    def outcome_of(location: str) -> Result:
        with scripted({"/": moved(location)}) as server:
            (row,) = fetch([server.url("/")], crawls="yes").results
            return row

    assert outcome_of("ftp://host/x").outcome is Outcome.BLOCKED
    assert outcome_of("http://[::1").outcome is Outcome.PROTOCOL


def test_a_crawl_obeys_robots_txt_without_a_setting_and_a_list_does_not() -> None:
    rules = Script(answer(b"User-agent: *\nDisallow: /\n"), end="keep")
    page = Script(answer(b"page"), end="keep")
    with scripted({"/robots.txt": rules, "/": page}) as server:
        found = [fetch([server.url("/")], crawls=crawls).results[0] for crawls in ("robots", "")]
    assert [row.outcome for row in found] == [Outcome.ROBOTS, Outcome.OK]


def test_without_politeness_a_crawl_does_not_ask_for_robots_txt() -> None:
    sections = {"polite": {"enabled": False}}
    with scripted({"/": Script(answer(b"page"))}) as server:
        (row,) = fetch([server.url("/")], crawls="robots", sections=sections).results
    assert row.outcome is Outcome.OK
