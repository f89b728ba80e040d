"""The session as one worker has it."""

from __future__ import annotations

from fetcher.logins.session_broker import first_generation
from fetcher.logins.session_holder import Reaction, SessionHolder
from fetcher.protocol.login_messages import (
    LoggedIn,
    LogIn,
    LoginFailed,
    NeedSession,
    NoSession,
    Secrets,
    Session,
    SessionCookie,
)

SECRETS = Secrets([SessionCookie("sid", "1", "a.test", True, "/", False)])
FIRST = first_generation(7) + 1


def with_session() -> SessionHolder:
    holder = SessionHolder("w")
    holder.hear_ventilator(7)
    assert holder.hear(Session(FIRST, SECRETS)).is_news
    return holder


def test_a_worker_waits_and_asks_until_it_has_a_session() -> None:
    holder = SessionHolder("w")
    assert holder.is_waiting and holder.request() == NeedSession("w", 0)
    holder.hear(Session(FIRST, SECRETS))
    assert not holder.is_waiting and holder.request() is None
    assert holder.hear(Session(FIRST, SECRETS)) == Reaction(), "the same session again"


def test_a_refused_session_is_reported_once_at_once_and_then_with_each_heartbeat() -> None:
    holder = with_session()
    assert holder.refused(FIRST) == NeedSession("w", FIRST)
    assert holder.refused(FIRST) is None, "many lines ask once"
    assert holder.is_waiting and holder.request() == NeedSession("w", FIRST)
    assert holder.hear(Session(FIRST + 2, SECRETS)).is_news
    assert not holder.is_waiting
    assert holder.refused(FIRST) is None, "an answer to a request with the old session"
    assert not holder.is_waiting


def test_a_no_session_message_ends_the_wait() -> None:
    holder = with_session()
    assert holder.hear(NoSession(FIRST)) == Reaction(), "this worker has not asked"
    holder.refused(FIRST)
    assert holder.hear(NoSession(FIRST - 1)) == Reaction() and holder.is_waiting
    assert holder.hear(NoSession(FIRST)).is_news
    assert not holder.is_waiting and holder.generation == FIRST


def test_an_order_is_obeyed_once_and_its_answer_repeated() -> None:
    holder = SessionHolder("w")
    assert holder.hear(LogIn("other", 3, 0)) == Reaction()
    order = LogIn("w", 3, 0)
    assert holder.hear(order) == Reaction(ticket=3)
    assert holder.hear(order) == Reaction(), "it is under way"
    answer = holder.logged_in(3, SECRETS)
    assert answer == LoggedIn("w", 3, SECRETS)
    assert holder.hear(order) == Reaction(answer), "the answer was lost"


def test_a_failure_is_answered_and_an_old_order_is_not() -> None:
    holder = SessionHolder("w")
    holder.hear(LogIn("w", 3, 0))
    holder.hear(LogIn("w", 4, 0))
    assert holder.logged_in(3, SECRETS) is None and holder.failed(3, "late") is None
    failed = holder.failed(4, "x" * 1000)
    assert failed == LoginFailed("w", 4, "x" * 500)


def test_a_new_ventilator_gets_the_session_that_the_worker_has() -> None:
    holder = with_session()
    holder.hear_ventilator(8)
    assert not holder.is_waiting, "requests go on"
    assert holder.request() == NeedSession("w", 0)
    ticket = first_generation(8) + 1
    assert holder.hear(LogIn("w", ticket, 0)) == Reaction(LoggedIn("w", ticket, SECRETS))
    holder.hear(Session(ticket + 1, SECRETS))
    assert holder.request() is None


def test_a_refused_session_is_not_given_to_a_new_ventilator() -> None:
    holder = with_session()
    holder.refused(FIRST)
    holder.hear_ventilator(8)
    assert holder.request() == NeedSession("w", 0), "the old number says nothing there"
    assert holder.hear(LogIn("w", 9, 0)) == Reaction(ticket=9)


def test_an_order_after_a_refused_session_is_not_answered_with_an_older_one() -> None:
    holder = with_session()
    assert holder.hear(LogIn("w", FIRST + 5, FIRST + 4)) == Reaction(ticket=FIRST + 5)
