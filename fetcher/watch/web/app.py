"""The web application of the live page: its routes and its headers.

Only this file knows bottle. It runs in threads of its own: it reads the mailbox and leaves commands
there. No text of the job is put into HTML here: the page asks for JSON and shows texts as text.
"""

from __future__ import annotations

import contextlib
import io
import logging
import secrets
import socket
import threading
import time
import wsgiref.simple_server
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from fetcher import __version__, optional
from fetcher.settings.schema import Monitor
from fetcher.telemetry.httpd.client import Handler
from fetcher.telemetry.httpd.http_server import HttpServer
from fetcher.telemetry.ports import Port
from fetcher.watch.history import Point
from fetcher.watch.job_view import JobView, from_roster
from fetcher.watch.web.access import WORD_HEADER, Access, Refusal, Request
from fetcher.watch.web.control_mailbox import ControlMailbox

try:
    import bottle
except ImportError:
    raise optional.missing_library("bottle", needed_by="the live page") from None

log = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGE: Final = resources.files("fetcher.watch.web") / "page"
_UPLOT: Final = resources.files("fetcher.vendor") / "uplot"
_ASSETS: Final = {
    "common.css": (resources.files("fetcher.watch"), "text/css"),
    "page.css": (_PAGE, "text/css"),
    "page.js": (_PAGE, "text/javascript"),
    "uPlot.min.css": (_UPLOT, "text/css"),
    "uPlot.iife.min.js": (_UPLOT, "text/javascript"),
}
_MAX_LINE: Final = 65_536  # bytes of a request's first line
_MAX_BODY: Final = 4096
_MAX_FIELDS: Final = 10  # of a form
_WRONG_S: Final = 0.5  # delay of the answer to a wrong token; wrong tokens wait in line


class Moment(msgspec.Struct, frozen=True):
    """The page's JSON, which it asks for once a second; `live` is null before the first look."""

    version: str
    job: str  # its input's name
    command: str  # resumes the job after a stop; "": not known
    word: str  # see access.WORD_HEADER
    now_s: float
    live: JobView | None
    history: list[Point]  # later than the page's newest point


class App:
    """The WSGI application of one ventilator."""

    def __init__(self, mailbox: ControlMailbox, access: Access, job: str, command: str) -> None:
        self._job = job
        self._command = command
        self._mailbox = mailbox
        self._access = access
        self._wrong = threading.Lock()
        self._app = bottle.Bottle()
        self._app.config["catchall"] = False
        self._app.default_error_handler = lambda error: str(error.status_line)
        self._app.route("/", "GET", self._page)
        self._app.route("/assets/<name>", "GET", _asset)
        self._app.route("/live.json", "GET", self._live)
        self._app.route("/pause", "POST", self._pause)
        self._app.route("/resume", "POST", self._resume)
        self._app.route("/stop", "POST", self._stop)
        self._app.route("/login", "POST", self._log_in)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        try:
            refusal = self._refusal(environ)
            if refusal is not None:
                return _refuse(refusal, environ.get("PATH_INFO", ""), start)
            answer: Iterable[bytes] = self._app(environ, _with_headers(start))
        except Exception:
            log.exception("the live page failed")
            return _respond(
                HTTPStatus.INTERNAL_SERVER_ERROR, b"the page failed; see the log", start
            )
        return answer

    def _refusal(self, environ: dict[str, Any]) -> Refusal | None:
        request = _request_of(environ, self._access.cookie_name)
        if environ.get("PATH_INFO") == "/login":  # here the token comes in a form
            return self._access.refuse_place(request)
        return self._access.refuse(request)

    # -- routes ------------------------------------------------------------------------------

    def _page(self) -> bytes:
        return (_PAGE / "page.html").read_bytes()

    def _live(self) -> bytes:
        try:
            since_s = float(bottle.request.query.get("since", "0"))
        except ValueError:
            since_s = 0.0
        latest = self._mailbox.visit()
        bottle.response.content_type = "application/json"
        return msgspec.json.encode(
            Moment(
                version=__version__,
                job=self._job,
                command=self._command,
                word=self._access.word,
                now_s=time.time(),
                live=from_roster(*latest) if latest else None,
                history=self._mailbox.history.since(since_s),
            )
        )

    def _pause(self) -> bytes:
        self._mailbox.shall_pause = True
        return self._taken()

    def _resume(self) -> bytes:
        self._mailbox.shall_pause = False
        return self._taken()

    def _stop(self) -> bytes:
        self._mailbox.shall_stop = True
        return self._taken()

    def _taken(self) -> bytes:
        bottle.response.status = HTTPStatus.ACCEPTED.value
        return b"taken\n"

    def _log_in(self) -> bytes:
        if not self._access.is_token(_token_in(bottle.request.body.read())):
            with self._wrong:
                time.sleep(_WRONG_S)
            raise bottle.HTTPResponse(*_login_page(was_wrong=True))
        cookie = f"{self._access.cookie_name}={self._access.cookie}"
        bottle.response.add_header("Set-Cookie", f"{cookie}; HttpOnly; SameSite=Strict; Path=/")
        bottle.response.add_header("Location", "/")
        bottle.response.status = HTTPStatus.SEE_OTHER.value
        return b""


def _token_in(form: bytes) -> str:
    """The token in a form; "" where it has none."""
    try:
        fields = parse_qs(form.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return ""
    return fields.get("token", [""])[0]


def _asset(name: str) -> bytes:
    if name not in _ASSETS:
        raise bottle.HTTPError(HTTPStatus.NOT_FOUND.value)
    directory, kind = _ASSETS[name]
    bottle.response.content_type = f"{kind}; charset=utf-8"
    return (directory / name).read_bytes()


def _login_page(*, was_wrong: bool) -> tuple[bytes, int, dict[str, str]]:
    """Body, status, headers. Its style is inline, as no other file is served without the token."""
    nonce = secrets.token_urlsafe(16)
    page = (_PAGE / "login.html").read_bytes().replace(b"NONCE", nonce.encode())
    page = page.replace(b"WRONG", b"That is not the token." if was_wrong else b"")
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'"
    headers = {
        **_HEADERS,
        "Content-Security-Policy": f"{policy}; base-uri 'none'; frame-ancestors 'none'",
        "Content-Type": "text/html; charset=utf-8",
    }
    return page, HTTPStatus.UNAUTHORIZED.value, headers


def _request_of(environ: dict[str, Any], cookie_name: str) -> Request:
    cookies: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):  # other pages of this host may have set any
        cookies.load(environ.get("HTTP_COOKIE", ""))
    return Request(
        method=environ["REQUEST_METHOD"],
        host=environ.get("HTTP_HOST", ""),
        origin=environ.get("HTTP_ORIGIN", ""),
        site=environ.get("HTTP_SEC_FETCH_SITE", ""),
        cookie=cookies[cookie_name].value if cookie_name in cookies else "",
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        word=environ.get(f"HTTP_{WORD_HEADER.upper().replace('-', '_')}", ""),
    )


def _refuse(refusal: Refusal, path: str, start: Callable[..., Any]) -> Iterable[bytes]:
    if refusal.status == HTTPStatus.UNAUTHORIZED and path == "/":
        body, _, headers = _login_page(was_wrong=False)
        return _respond(refusal.status, body, start, headers)
    return _respond(refusal.status, refusal.reason.encode() + b"\n", start)


def _respond(
    status: HTTPStatus, body: bytes, start: Callable[..., Any], more: dict[str, str] | None = None
) -> Iterable[bytes]:
    headers = {**_HEADERS, "Content-Type": "text/plain; charset=utf-8", **(more or {})}
    headers["Content-Length"] = str(len(body))
    start(f"{status.value} {status.phrase}", list(headers.items()))
    return [body]


def _with_headers(start: Callable[..., Any]) -> Callable[..., Any]:
    def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        given = {name.title() for name, _ in headers}
        more = [(name, text) for name, text in _HEADERS.items() if name.title() not in given]
        return start(status, [*headers, *more], *rest)

    return begin


class _Server(HttpServer, wsgiref.simple_server.WSGIServer):
    def server_bind(self) -> None:
        HttpServer.server_bind(self)
        self.setup_environ()


class _Handler(Handler, wsgiref.simple_server.WSGIRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.command, self.requestline, self.request_version = "", "", "HTTP/1.0"
        self.raw_requestline = self.rfile.readline(_MAX_LINE + 1)
        if len(self.raw_requestline) > _MAX_LINE:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.raw_requestline or not self.parse_request():
            return
        is_login = self.path.partition("?")[0] == "/login"
        body = self.read_body(_MAX_BODY, is_needed=is_login and self.command == "POST")
        if body is None:
            return
        environ = {**self.get_environ(), "CONTENT_LENGTH": str(len(body))}
        # The App logs its own failures; the others are clients that go away.
        answer: Any = self.wfile
        handler = wsgiref.simple_server.ServerHandler(
            io.BytesIO(body), answer, io.StringIO(), environ, multithread=False
        )
        handler.request_handler = self  # type: ignore[attr-defined]
        handler.run(self.server.get_app())  # type: ignore[arg-type]


@contextlib.contextmanager
def listening(
    port: Port, settings: Monitor, mailbox: ControlMailbox, job: str, command: str
) -> Iterator[None]:
    """Serve the page while the block runs. Raises ConflictError, UsageError."""
    names = (*settings.names, socket.gethostname())
    app = App(mailbox, Access(port.host, port.port, settings.token, names), job, command)
    server = _Server(port, _Handler)
    server.set_app(app)
    with server.answering("page"):
        yield
