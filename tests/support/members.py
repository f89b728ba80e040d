"""A site for members: a form with a CSRF token, pages for who is logged in, sessions that end."""

from __future__ import annotations

import contextlib
import http.cookies
import secrets
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Final, Literal

from support.http_server import HttpServer

USER: Final = "ann"
PASSWORD: Final = "s3cret-password"

Refusal = Literal["status", "redirect", "text"]


class MembersSite:
    """`base`: its URL. Whoever is not logged in is refused in the way of `refusal`."""

    def __init__(self, refusal: Refusal = "status", hits_per_session: int = 1 << 30) -> None:
        """A session ends after so many pages."""
        self.refusal: Refusal = refusal
        self.is_down = False  # the form answers 503
        self.page_s = 0.0  # how long a page takes
        self.valid: dict[str, int] = {}  # session -> pages that it is good for
        self.log_ins: list[str] = []  # the sessions that were made
        self.pages: Counter[str] = Counter()  # served to members
        self.refused: Counter[str] = Counter()
        self.heads: list[tuple[str, dict[str, str]]] = []  # host and path, and headers
        self._hits = hits_per_session
        self._forms: set[str] = set()
        self._lock = threading.Lock()
        site = self

        class Handler(_Handler):
            members = site

        self._server = HttpServer(("0.0.0.0", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def end_sessions(self) -> None:
        """Log everybody out."""
        with self._lock:
            self.valid.clear()

    def new_form(self) -> str:
        with self._lock:
            token = secrets.token_hex(8)
            self._forms.add(token)
            return token

    def log_in(self, form: dict[str, str]) -> str:
        """Return a new session; "" if the form is wrong."""
        with self._lock:
            if form.get("csrf") not in self._forms:
                return ""
            if (form.get("user"), form.get("password")) != (USER, PASSWORD):
                return ""
            self._forms.discard(form["csrf"])
            session = f"sid-{secrets.token_hex(12)}"
            self.valid[session] = self._hits
            self.log_ins.append(session)
            return session

    def admit(self, path: str, session: str) -> bool:
        with self._lock:
            left = self.valid.get(session, 0)
            if left:
                self.valid[session] = left - 1
            (self.pages if left else self.refused)[path] += 1
            return left > 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    members: MembersSite

    def do_GET(self) -> None:
        members = self.members
        path = self.path.partition("?")[0]
        members.heads.append((f"{self.headers['Host']}{self.path}", dict(self.headers.items())))
        if path == "/login":
            self._show_form()
        elif path == "/away":
            self._answer(302, b"", Location=f"http://127.0.0.2:{members.port}/open/landed")
        elif path.startswith(("/open", "/forbidden")):
            self._answer(401 if path.startswith("/forbidden") else 200, b"for all")
        elif members.admit(path, self._session()):
            time.sleep(members.page_s)
            self._answer(200, f"<h1>Hello {USER}</h1>".encode())
        elif members.refusal == "status":
            self._answer(401, b"who are you?")
        elif members.refusal == "redirect":
            self._answer(302, b"", Location="/login?next=" + urllib.parse.quote(self.path))
        else:
            self._answer(200, b"<p>" + b"." * 5000 + b"Please log in</p>")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        form = dict(urllib.parse.parse_qsl(body.decode()))
        session = self.members.log_in(form)
        if session:
            cookie = f"sid={session}; Path=/; HttpOnly"
            self._answer(303, b"", **{"Location": "/open/home", "Set-Cookie": cookie})
        else:
            self._answer(403, b"wrong user or password")

    def _show_form(self) -> None:
        if self.members.is_down:
            self._answer(503, b"down")
            return
        token = self.members.new_form()
        form = f'<form method=post><input name=csrf value="{token}"><input name=user>'
        self._answer(200, f"{form}<input name=password></form>".encode())

    def _session(self) -> str:
        jar = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        return jar["sid"].value if "sid" in jar else ""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextlib.contextmanager
def members_site(
    refusal: Refusal = "status", hits_per_session: int = 1 << 30
) -> Iterator[MembersSite]:
    site = MembersSite(refusal, hits_per_session)
    try:
        yield site
    finally:
        site.close()
