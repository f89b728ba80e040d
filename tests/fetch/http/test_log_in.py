"""One line and the session of its job: what it adds, and when it waits for another."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.fetch.cookies.jar import Cookie, Cookies
from fetcher.fetch.http.log_in import LineLogIn, LogIns
from fetcher.fetch.http.logged_out import LoggedOutRules
from fetcher.fetch.transfer.message import NO_ANSWER
from fetcher.fetch.urls import target_of
from fetcher.model import Outcome
from fetcher.protocol.login_messages import Secrets, SessionCookie, SessionHeader

TARGET, OTHER = (target_of(url, 8192) for url in ("https://a.test/x", "https://b.test/"))
SECRETS = Secrets(
    [SessionCookie("sid", "1", "a.test", True, "/", False)],
    [SessionHeader("a.test", "X-Token", "t")],
)
REFUSED = replace(NO_ANSWER, status=401)


class Job:
    """The log-in of a worker, without the user's function."""

    def __init__(self, rules: str = "status:401|text:Please log in") -> None:
        self.log_ins = LogIns.__new__(LogIns)
        self.log_ins.rules = LoggedOutRules(rules)
        self.log_ins._others = Cookies([Cookie("o", "1", "a.test", True, "/", False, None)])
        self.refused: list[int] = []
        self.is_waiting = False
        self.log_ins.refused = self.refused.append
        self.log_ins.is_waiting = lambda: self.is_waiting
        self.log_ins.use(1, SECRETS)

    def line(self) -> LineLogIn:
        line = self.log_ins.line()
        line.begin()
        return line


def test_an_attempt_has_the_cookies_and_headers_of_its_session() -> None:
    line = Job().log_ins.line()
    assert line.begin().header_for(TARGET.url) == "o=1; sid=1"
    assert line.added(TARGET, (("A", "1"),), ()) == (("A", "1"), ("X-Token", "t"))
    assert line.added(OTHER, (("A", "1"),), ()) == (("A", "1"),)
    assert line.hidden == {"x-token"}


def test_a_header_of_the_line_itself_stays() -> None:
    own = (("x-token", "mine"),)
    assert Job().line().added(TARGET, own, own) == own


def test_a_new_session_is_used_by_the_next_attempt_only() -> None:
    job = Job()
    line = job.line()
    job.log_ins.use(2, Secrets())
    assert line.hidden == {"x-token"}
    assert line.begin().header_for(TARGET.url) == "o=1"
    assert line.hidden == frozenset()


def test_an_answer_that_fits_a_rule_means_that_the_session_has_ended() -> None:
    line = Job().line()
    line.added(TARGET, (), ())
    assert line.judge(TARGET, REFUSED)
    assert line.rule == "status:401"
    line.begin()
    assert line.rule == ""
    assert not line.judge(TARGET, replace(NO_ANSWER, status=200))


def test_an_answer_of_another_host_says_nothing_about_the_session() -> None:
    line = Job().line()
    line.added(OTHER, (), ())
    assert not line.judge(OTHER, REFUSED)
    assert line.sink is None, "its body is not searched"


def test_a_text_is_searched_in_the_body_wherever_it_goes() -> None:
    line = Job().line()
    line.added(TARGET, (), ())
    assert line.sink is not None
    line.sink(b"Please l")
    line.sink(b"og in")
    assert line.judge(TARGET, replace(NO_ANSWER, status=200))
    kept = Job().line()
    kept.added(TARGET, (), ())
    kept.search([b"Please ", b"log in"])
    assert kept.judge(TARGET, replace(NO_ANSWER, status=200))


def test_a_line_is_held_until_there_is_another_session() -> None:
    job = Job()
    line = job.line()
    line.judge(TARGET, REFUSED)
    assert line.hold(REFUSED) is None
    assert job.refused == [1]
    job.is_waiting = True
    assert line.wait_s > 0
    job.is_waiting = False
    assert line.wait_s == 0
    job.log_ins.use(2, SECRETS)
    assert line.release() is None
    assert line.held is None


def test_a_line_keeps_its_answer_if_there_is_no_other_session() -> None:
    job = Job()
    line = job.line()
    line.judge(TARGET, REFUSED)
    line.hold(REFUSED)
    ending = line.release()
    assert ending is not None
    assert (ending.outcome, ending.error) == (
        Outcome.HTTP_ERROR,
        "the server answered 401, which fits http.logged_out: status:401",
    )


def test_a_line_is_tried_with_two_new_sessions_at_most() -> None:
    job = Job()
    line = job.line()
    for generation in (2, 3):
        line.judge(TARGET, REFUSED)
        assert line.hold(REFUSED) is None
        job.log_ins.use(generation, SECRETS)
        assert line.release() is None
        line.begin()
    line.judge(TARGET, REFUSED)
    assert line.hold(REFUSED) is not None
    assert (line.count, job.refused) == (2, [1, 2])


def test_a_line_that_is_not_held_does_not_wait() -> None:
    job = Job()
    job.is_waiting = True
    assert job.line().wait_s == 0
