"""Functions as a user would name them in http.login. The site is named in LOGIN_BASE."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import requests

from support.members import PASSWORD, USER


def by_form(session: requests.Session, facts: Any) -> None:
    """Fill in the form, with its CSRF token."""
    base = os.environ["LOGIN_BASE"]
    form = session.get(f"{base}/login")
    form.raise_for_status()
    token = re.search('name=csrf value="(.*?)"', form.text)
    assert token is not None
    data = {"user": USER, "password": os.environ.get("LOGIN_PASSWORD", PASSWORD), "csrf": token[1]}
    session.post(f"{base}/login", data=data).raise_for_status()


def with_headers(session: requests.Session, facts: Any) -> dict[str, Any]:
    """As `by_form`, with a header for the site and one for https."""
    by_form(session, facts)
    base = os.environ["LOGIN_BASE"]
    return {"headers": {base: {"X-Token": "tok-secret"}, "127.0.0.1": {"X-Safe": "tok-safe"}}}


def quoting(session: requests.Session, facts: Any) -> None:
    """Fail with an exception that quotes the session."""
    by_form(session, facts)
    raise ValueError(f"odd cookies: {dict(session.cookies)}")


def hanging(session: requests.Session, facts: Any) -> None:
    """Never come back, whatever is raised."""
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


def dying_once(session: requests.Session, facts: Any) -> None:
    """Kill the process of the first call; the file in LOGIN_MARK says that it was killed."""
    mark = Path(os.environ["LOGIN_MARK"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    by_form(session, facts)


def nothing(session: requests.Session, facts: Any) -> None:
    """Leave nothing."""


def leaving(session: requests.Session, facts: Any) -> None:
    """Leave a header without its place."""
    session.headers["Authorization"] = "Bearer secret-token"
