"""Who logs in, and which session is valid, with time as a number and no process."""

from __future__ import annotations

import pytest

from fetcher.errors import Exit, LoginError, LoginLostError
from fetcher.logins.session_broker import LoginRules, SessionBroker, first_generation
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

RULES = LoginRules(login_timeout_s=60.0, max_logins=2, login_window_s=100.0)
WORKERS = ("a", "b")


def secrets(text: str) -> Secrets:
    return Secrets([SessionCookie("sid", text, "a.test", True, "/", False)])


def order_of(broker: SessionBroker, now: float) -> LogIn:
    broker.tick(WORKERS, now)
    (order,) = [each for each in broker.messages(now) if isinstance(each, LogIn)]
    return order


def log_in(broker: SessionBroker, now: float, text: str = "1") -> Session:
    """Let the chosen worker log in at once."""
    order = order_of(broker, now)
    assert broker.receive(LoggedIn(order.worker, order.ticket, secrets(text)), now)
    (session,) = broker.messages(now)
    assert isinstance(session, Session)
    return session


def logged_in() -> SessionBroker:
    broker = SessionBroker(RULES)
    broker.receive(NeedSession("a", 0), 0.0)
    log_in(broker, 0.0)
    return broker


def test_nothing_is_handed_out_before_the_first_log_in() -> None:
    broker = SessionBroker(RULES)
    assert not broker.is_ready and "a worker that can log in" in broker.trouble
    broker.receive(NeedSession("a", 0), 0.0)
    assert order_of(broker, 0.0).worker == "a"
    assert not broker.is_ready and broker.trouble == "waits for the log-in (http.login) of a"
    broker.receive(LoggedIn("a", 1, secrets("1")), 1.0)
    assert broker.is_ready and broker.trouble == ""


def test_in_a_job_without_a_log_in_nothing_waits_whatever_workers_say() -> None:
    broker = SessionBroker(RULES, is_required=False)
    for event in (NeedSession("b", 0), LoginFailed("b", 0, "no"), LoggedIn("b", 0, secrets("x"))):
        assert broker.receive(event, 0.0)
        broker.tick(WORKERS, 0.0)
    broker.tick(WORKERS, 100.0)
    assert broker.is_ready and broker.trouble == ""
    assert broker.messages(100.0) == [] and broker.notices() == []


def test_one_worker_logs_in_however_many_ask_and_all_get_its_session() -> None:
    broker = SessionBroker(RULES, first_generation(7))
    for worker in ("a", "b", "a"):
        broker.receive(NeedSession(worker, 0), 0.0)
    session = log_in(broker, 0.0)
    assert session.generation > first_generation(7) and session.secrets == secrets("1")
    broker.tick(WORKERS, 0.5)
    assert broker.messages(0.5) == [], "nobody asks"
    broker.receive(NeedSession("c", 0), 0.5)
    assert broker.messages(0.5) == [session], "a new worker gets the present session"


def test_the_order_is_repeated_until_it_is_answered_and_old_answers_are_ignored() -> None:
    broker = SessionBroker(RULES)
    broker.receive(NeedSession("a", 0), 0.0)
    order = order_of(broker, 0.0)
    assert broker.messages(0.5) == [] and broker.messages(1.0) == [order]
    broker.receive(LoggedIn("b", order.ticket, secrets("x")), 1.0)
    broker.receive(LoggedIn("a", order.ticket + 1, secrets("x")), 1.0)
    assert broker.generation == 0
    broker.receive(LoggedIn("a", order.ticket, secrets("1")), 1.0)
    broker.receive(LoggedIn("a", order.ticket, secrets("2")), 1.0)
    assert broker.messages(1.0) == [Session(broker.generation, secrets("1"))]


def test_many_refusals_of_a_session_lead_to_one_log_in() -> None:
    broker = logged_in()
    old = broker.generation
    for worker in WORKERS * 3:
        broker.receive(NeedSession(worker, old), 10.0)
    assert not broker.is_ready
    assert order_of(broker, 10.0).after == old
    assert broker.messages(10.0) == []
    broker.receive(LoggedIn("a", old + 1, secrets("2")), 11.0)
    session = Session(old + 2, secrets("2"))
    assert broker.messages(11.0) == [session] and broker.is_ready
    broker.receive(NeedSession("b", old), 12.0)
    assert broker.messages(12.0) == [session], "a late refusal of the old session"


def test_log_ins_are_bounded_within_a_window_and_the_user_reads_so_once() -> None:
    broker = logged_in()
    for now in (10.0, 20.0):
        broker.receive(NeedSession("a", broker.generation), now)
        log_in(broker, now)
    for now in (30.0, 31.0):
        broker.receive(NeedSession("a", broker.generation), now)
        assert broker.is_ready
        assert broker.messages(now) == [NoSession(broker.generation)]
    (notice,) = broker.notices()
    assert "after 2 new log-ins within 100 s" in notice and "http_error" in notice
    broker.receive(NeedSession("a", broker.generation), 110.0)
    log_in(broker, 110.0)
    assert broker.notices() == []


def test_the_worker_that_logs_in_may_die_and_another_does_it() -> None:
    broker = SessionBroker(RULES)
    for worker in WORKERS:
        broker.receive(NeedSession(worker, 0), 0.0)
    first = order_of(broker, 0.0)
    broker.tick(["b"], 1.0)
    second = order_of(broker, 1.0)
    assert (first.worker, second.worker) == ("a", "b") and second.ticket > first.ticket
    assert broker.notices() == ["a ended while it logged in; another worker does it"]


def test_a_worker_that_does_not_answer_in_time_loses_the_order() -> None:
    broker = SessionBroker(RULES)
    for worker in WORKERS:
        broker.receive(NeedSession(worker, 0), 0.0)
    order_of(broker, 0.0)
    broker.tick(WORKERS, 69.0)
    assert [each.worker for each in broker.messages(69.0) if isinstance(each, LogIn)] == ["a"]
    assert order_of(broker, 71.0).worker == "b"


def test_a_log_in_that_ends_its_workers_is_given_up() -> None:
    broker = SessionBroker(RULES)
    for worker in "abc":
        broker.receive(NeedSession(worker, 0), 0.0)
    broker.tick("abc", 0.0)
    broker.tick("bc", 1.0)
    broker.tick("c", 2.0)
    broker.tick("c", 2.5)
    with pytest.raises(LoginError, match="3 workers in a row"):
        broker.tick("", 3.0)


def test_a_first_log_in_that_fails_ends_the_job_at_once() -> None:
    broker = SessionBroker(RULES)
    broker.receive(NeedSession("a", 0), 0.0)
    order = order_of(broker, 0.0)
    with pytest.raises(LoginError, match="wrong password; nothing was fetched") as caught:
        broker.receive(LoginFailed("a", order.ticket, "wrong password"), 1.0)
    assert caught.value.exit_code == Exit.USAGE


def test_a_later_log_in_that_fails_is_tried_three_times_with_pauses() -> None:
    broker = logged_in()
    broker.receive(NeedSession("a", broker.generation), 10.0)
    for began, pause_s in ((10.0, 2.0), (12.0, 10.0)):
        order = order_of(broker, began)
        broker.receive(LoginFailed(order.worker, order.ticket, "503"), began)
        broker.tick(WORKERS, began + pause_s - 0.1)
        assert broker.messages(began + pause_s - 0.1) == []
    order = order_of(broker, 22.0)
    with pytest.raises(LoginLostError, match="after 3 tries: 503; the same command resumes"):
        broker.receive(LoginFailed(order.worker, order.ticket, "503"), 23.0)
    assert LoginLostError.exit_code == Exit.STOPPED


def test_that_no_worker_can_log_in_is_said_once() -> None:
    broker = SessionBroker(RULES)
    for now in (0.0, 5.0, 11.0, 20.0):
        broker.tick(WORKERS, now)
    assert broker.notices() == ["no worker can log in: give http.login to the workers, too"]


def test_a_session_is_not_shown_by_any_text_of_its_messages() -> None:
    message = Session(1, secrets("hush"))
    for text in (repr(message), str(message), f"{message.secrets.cookies}"):
        assert "hush" not in text
