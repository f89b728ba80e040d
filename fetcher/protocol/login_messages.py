"""The messages about the log-in of a job (see logins.session_broker), and the session it makes.

    worker -> ventilator   events   NeedSession, LoggedIn, LoginFailed
    ventilator -> workers  control  LogIn, to one worker;  Session, NoSession, to all

A session is secret: the text form of these structs does not show it, so that no log can.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, field

from fetcher.protocol.bounds import MAX_TEXT, Count, Finite, Message, Name

MAX_SECRETS: Final = 1_000  # cookies, or headers, of one session
MAX_SECRET_CHARS: Final = 16_384  # of a cookie's or header's value

_Secret = Annotated[str, Meta(max_length=MAX_SECRET_CHARS)]


class _Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of structs whose fields must not be shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class SessionCookie(_Hidden, frozen=True, array_like=True):
    """A cookie of the session; see fetch.cookies.jar.Cookie. The texts are wire text."""

    name: _Secret
    value: _Secret
    domain: Name
    is_host_only: bool
    path: _Secret
    is_secure: bool
    expires: Finite | None = None


class SessionHeader(_Hidden, frozen=True, array_like=True):
    """A header for the requests to one place: a host, or an origin such as `https://a.test`."""

    place: Name
    name: Name
    value: _Secret


class Secrets(_Hidden, frozen=True):
    """The cookies and headers that a log-in made."""

    cookies: Annotated[list[SessionCookie], Meta(max_length=MAX_SECRETS)] = field(
        default_factory=list
    )
    headers: Annotated[list[SessionHeader], Meta(max_length=MAX_SECRETS)] = field(
        default_factory=list
    )


class NeedSession(Message, tag="need_session", frozen=True):
    """The worker needs a session other than `after`, which servers refuse; 0: any session."""

    worker: Name
    after: Count


class LogIn(Message, tag="log_in", frozen=True):
    """The order to this worker to log in; repeated until it answers with this ticket."""

    worker: Name
    ticket: Count
    after: Count  # the session that servers refuse; 0: a session that the worker has will do


class LoggedIn(Message, tag="logged_in", frozen=True):
    """The log-in with this ticket made this session."""

    worker: Name
    ticket: Count
    secrets: Secrets


class LoginFailed(Message, tag="login_failed", frozen=True):
    """The log-in with this ticket failed."""

    worker: Name
    ticket: Count
    error: Annotated[str, Meta(max_length=MAX_TEXT)]


class Session(Message, tag="session", frozen=True):
    """The session that all workers use from now on."""

    generation: Count
    secrets: Secrets


class NoSession(Message, tag="no_session", frozen=True):
    """The workers get no new session for now: lines that were refused keep their answers."""

    generation: Count


AnyLogin = NeedSession | LogIn | LoggedIn | LoginFailed | Session | NoSession
