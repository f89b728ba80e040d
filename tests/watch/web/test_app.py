"""The addresses of the live page: what they answer, to whom, and under which headers."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fetcher.errors import UsageError
from fetcher.protocol import messages
from fetcher.settings.schema import Monitor
from fetcher.watch.web import app
from fetcher.watch.web.control_mailbox import ControlMailbox
from fetcher.watch.web.serving import serving
from support.messages import EXAMPLES
from support.waiting import wait_until
from tools.ports import free_ports

TOKEN = "a-token-of-enough-length"


class Client:
    """Asks one port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers (names in lower case), text."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return answer.status, found, answer.read().decode()

    def word(self, **headers: str) -> str:
        """That our own page brings."""
        word: str = json.loads(self("GET", "/live.json", **headers)[2])["word"]
        return word


@contextlib.contextmanager
def page(**settings: Any) -> Iterator[tuple[Client, ControlMailbox]]:
    port = free_ports(1)
    with serving(Monitor(http=port, **settings), "urls.txt", is_paused=False) as mailbox:
        yield Client(port), mailbox


def put_look(mailbox: ControlMailbox) -> None:
    state, roster = EXAMPLES["state"][0], EXAMPLES["roster"][0]
    assert isinstance(state, messages.State)
    assert isinstance(roster, messages.Roster)
    mailbox.put(state, roster, 40)


def test_the_page_and_its_numbers() -> None:
    with page() as (ask, mailbox):
        status, headers, text = ask("GET", "/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=UTF-8")
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        for name in ("common.css", "page.css", "page.js", "uPlot.min.css", "uPlot.iife.min.js"):
            assert f"/assets/{name}" in text
            assert ask("GET", f"/assets/{name}")[0] == 200
        assert not mailbox.is_watched(time.monotonic())
        assert json.loads(ask("GET", "/live.json")[2])["live"] is None
        assert mailbox.is_watched(time.monotonic())
        put_look(mailbox)
        assert mailbox.has_viewer(time.monotonic())
        told = json.loads(ask("GET", "/live.json?since=x")[2])
        assert not mailbox.has_viewer(time.monotonic())
        assert (told["job"], told["live"]["rows"]) == ("urls.txt", 2)
        assert told["live"]["mishaps"][0]["error"] == "not found"
        ((at_s, rows, most_in_flight),) = told["history"]
        assert (rows, most_in_flight) == (2, 40)
        assert json.loads(ask("GET", f"/live.json?since={at_s}")[2])["history"] == []
        assert ask("GET", "/other")[0] == ask("GET", "/assets/other")[0] == 404
        assert ask("GET", "/assets/..%2f..%2fapp.py")[0] == 404
        assert ask("GET", "/pause")[0] == 405


def test_commands_may_be_repeated_and_need_the_word() -> None:
    with page() as (ask, mailbox):
        for path in ("/pause", "/resume", "/stop"):
            assert ask("POST", path)[0] == 403
            assert ask("POST", path, X_Fetcher_Word="guess")[0] == 403
        assert (mailbox.shall_pause, mailbox.shall_stop) == (False, False)
        word = ask.word()
        for _ in range(2):
            assert ask("POST", "/pause", X_Fetcher_Word=word)[0] == 202
            assert mailbox.shall_pause
        for _ in range(2):
            assert ask("POST", "/resume", X_Fetcher_Word=word)[0] == 202
            assert not mailbox.shall_pause
        evil = {"X_Fetcher_Word": word, "Origin": "http://evil.test"}
        assert ask("POST", "/stop", **evil)[0] == 403
        assert not mailbox.shall_stop
        assert ask("POST", "/stop", X_Fetcher_Word=word)[0] == 202
        assert mailbox.shall_stop


@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_name_that_is_made_to_lead_here_is_refused_everywhere(token: str) -> None:
    with page(token=token) as (ask, _):
        for path in ("/", "/live.json", "/assets/page.js", "/login", "/nothing"):
            for method in ("GET", "HEAD", "POST"):
                assert (
                    ask(method, path, Host="evil.test", Authorization=f"Bearer {TOKEN}")[0] == 403
                )


def test_with_a_token_nothing_is_answered_without_it() -> None:
    with page(token=TOKEN) as (ask, mailbox):
        put_look(mailbox)
        paths = ("/", "/live.json", "/assets/page.css", "/assets/page.js", "/nothing")
        for path in paths:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "fetcher_page=x"}):
                status, _, text = ask("GET", path, **headers)
                assert status == 401
                assert "urls.txt" not in text
        assert ask("POST", "/stop")[0] == 401
        word = ask.word(Authorization=f"Bearer {TOKEN}")
        assert ask("POST", "/pause", X_Fetcher_Word=word)[0] == 401
        assert not mailbox.shall_pause
        assert ask("GET", "/", Authorization=f"Bearer {TOKEN}")[0] == 200


def test_the_token_is_given_once_and_then_a_cookie_stands_for_it() -> None:
    with page(token=TOKEN) as (ask, _):
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        began = time.monotonic()
        status, headers, text = ask("POST", "/login", "token=wrong", **form)
        assert (status, "That is not the token" in text) == (401, True)
        assert "set-cookie" not in headers
        assert time.monotonic() - began > 0.4, "guessing is slow"
        status, headers, _ = ask("POST", "/login", f"token={TOKEN}", **form)
        assert (status, headers["location"]) == (303, "/")
        cookie, *marks = headers["set-cookie"].split("; ")
        assert {"HttpOnly", "SameSite=Strict"} <= set(marks)
        assert TOKEN not in cookie
        assert ask("GET", "/live.json", Cookie=cookie)[0] == 200
        assert ask("GET", "/live.json", Cookie=f"{cookie}x")[0] == 401


def test_a_browser_is_asked_for_the_token_and_then_shows_and_steers(browser: Any) -> None:
    said: list[str] = []
    with page(token=TOKEN) as (ask, mailbox):
        put_look(mailbox)
        shown = browser.new_page()
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("console", lambda message: said.append(message.text))
        shown.goto(f"http://127.0.0.1:{ask.port}/")
        background = "getComputedStyle(document.querySelector('form')).borderRadius"
        assert shown.evaluate(background) == "12px", "its style is let in"
        for token, seen in (("wrong", "text=That is not the token."), (TOKEN, "#outcomes")):
            shown.fill("#token", token)
            shown.click("button")
            shown.wait_for_selector(seen)
        shown.wait_for_selector("#phase.running")
        shown.click("#pause")
        shown.keyboard.press("Escape")
        shown.click("#pause")
        assert not mailbox.shall_pause, "it was not confirmed"
        shown.click("#yes")
        wait_until(lambda: mailbox.shall_pause, what="the wish")
    refused = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    assert set(said) <= {refused}


def test_without_bottle_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bottle", None)
    monkeypatch.delitem(sys.modules, "fetcher.watch.web.app", raising=False)
    monkeypatch.delattr("fetcher.watch.web.app", raising=False)
    with (
        pytest.raises(UsageError) as caught,
        page(),
    ):
        pass
    command = f"{sys.executable} -m pip install 'bottle>=0.13'"
    assert str(caught.value) == f"the live page needs bottle; install it with: {command}"


@pytest.mark.parametrize(
    ("form", "token"),
    [
        (b"token=a+b%21", "a b!"),
        (b"token=first&token=second", "first"),
        (b"other=1", ""),
        (b"", ""),
        (b"&".join(b"token=x" for _ in range(11)), ""),
        (b"token=\xff", "\ufffd"),
    ],
)
def test_the_token_of_a_form(form: bytes, token: str) -> None:
    assert app._token_in(form) == token


def test_a_failure_of_the_page_is_logged_and_answered_in_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page() as (ask, mailbox):
        monkeypatch.setattr(mailbox, "visit", lambda: 1 / 0)
        status, headers, text = ask("GET", "/live.json")
    assert (status, text) == (500, "the page failed; see the log")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_only_the_page_itself_asks_for_the_token_with_a_form(path: str) -> None:
    with page(token=TOKEN) as (ask, _):
        status, headers, text = ask("GET", path)
    assert status == 401
    assert ("<form" in text) == (path == "/")
    assert headers["content-length"] == str(len(text.encode()))
