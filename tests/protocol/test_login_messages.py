"""No text form of a session shows its secrets."""

from __future__ import annotations

import rich.pretty

from fetcher.protocol.login_messages import Secrets, Session, SessionCookie, SessionHeader

SECRET = "hunter2"
SECRETS = Secrets(
    [SessionCookie(SECRET, SECRET, "a.test", True, "/", True)],
    [SessionHeader("a.test", "Authorization", SECRET)],
)


def test_secrets_are_not_shown_wherever_they_are() -> None:
    for each in (SECRETS, *SECRETS.cookies, *SECRETS.headers, Session(1, SECRETS)):
        for shown in (repr(each), str(each), f"{each}", rich.pretty.pretty_repr(each)):
            assert SECRET not in shown
    assert "Secrets(…)" in repr(Session(1, SECRETS))


def test_an_error_of_the_wire_does_not_show_them_either() -> None:
    assert SECRET not in f"{[SECRETS]} {(SECRETS,)} { ({'x': SECRETS}) }"
