"""The fetch core on `requests`: its URL preparation, its adapter, its exceptions; our limits.

Law: the adapter is called hop by hop, never `Session.send`, which reads a redirect's whole body
even with `allow_redirects=False`. The environment is never consulted, no cookie outlives its chain,
and nothing that a server or a URL does leaves `fetch` as an exception.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import gevent
import requests
import urllib3
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.models import REDIRECT_STATI
from requests.utils import requote_uri

from fetcher.config import Http
from fetcher.model import Outcome, Result, Task, Timings
from fetcher.net import urls
from fetcher.net.failures import Failure, failure_of
from fetcher.net.fair import FairAdapter

_READ_BYTES: Final = 64 * 1024
_REDIRECT_BODY_BYTES: Final = 16 * 1024  # read, so that the connection can be used again
_URL_BYTES: Final = "!#$%&'()*+,/:;=?@[]~"
_HOST_POOLS: Final = 256  # hosts whose connections are kept


class _Trail:
    """What is known of a fetch so far, so that a failed one's row says how far it came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.hops: list[str] = []
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.content_type: str | None = None
        self.body_bytes: int | None = None
        self.wire_bytes: int | None = None
        self.sha256: str | None = None
        self.first_byte_ms: float | None = None
        self.remote_ip: str | None = None
        self.http_version: str | None = None


class RequestsFetcher:
    """See fetcher.net.fetch.Fetcher. One for a worker process, used by all of its greenlets."""

    def __init__(self, http: Http, pool_size: int, worker: str) -> None:
        self._http = http
        self._worker = worker
        self._timeout = (http.connect_timeout_s, http.read_timeout_s)
        self._headers = {
            "User-Agent": http.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
        }
        self._adapter = FairAdapter(pool_connections=_HOST_POOLS, pool_maxsize=pool_size)
        # gevent resolves names in threads, ten by default: ten names that never answer would
        # delay all others.
        gevent.get_hub().threadpool.maxsize = max(64, min(pool_size, 256))

    def fetch(self, task: Task) -> Result:
        started_at = time.time()
        start = time.monotonic()
        trail = _Trail(task.url)
        outcome, error = Outcome.INVALID_URL, task.fault
        error = error or urls.fault(task.url, self._http.max_url_bytes)
        if error is None:
            outcome, error = self._guarded(trail, start)
        return Result(
            line=task.line,
            url=task.url,
            outcome=outcome,
            status=trail.status,
            final_url=trail.url if trail.status is not None else None,
            redirects=tuple(trail.hops),
            error=error,
            headers=trail.headers,
            content_type=trail.content_type,
            body_bytes=trail.body_bytes,
            wire_bytes=trail.wire_bytes,
            sha256=trail.sha256,
            started_at=round(started_at, 3),
            timings_ms=Timings(first_byte=trail.first_byte_ms, total=_ms_since(start)),
            remote_ip=trail.remote_ip,
            http_version=trail.http_version,
            worker=self._worker,
        )

    def _guarded(self, trail: _Trail, start: float) -> tuple[Outcome, str | None]:
        limit = self._http.total_timeout_s
        deadline = Failure(Outcome.TIMEOUT, f"took longer than http.total_timeout_s ({limit:g} s)")
        try:
            with gevent.Timeout(limit, deadline):
                self._follow(trail, start)
        # Beside RequestException there escape ValueError, UnicodeError, LocationParseError and
        # more: each must become a row. gevent.Timeout itself is replaced by `deadline` above.
        except Exception as error:
            failure = failure_of(error)
            return failure.outcome, failure.message
        status = trail.status or 0
        if status >= 400:
            return Outcome.HTTP_ERROR, f"the server answered {status}"
        return Outcome.OK, None

    def _follow(self, trail: _Trail, start: float) -> None:
        jar = RequestsCookieJar()
        while True:
            request = requests.Request("GET", trail.url, self._headers, cookies=jar).prepare()
            response = self._adapter.send(
                request, stream=True, timeout=self._timeout, verify=self._http.verify_tls
            )
            try:
                self._note(trail, response, start)
                target = _redirect_target(response)
                if target is None:
                    self._read_body(trail, response.raw, start)
                    return
                extract_cookies_to_jar(jar, request, response.raw)  # type: ignore[no-untyped-call]
                self._check_hop(trail, target)
                response.raw.read(_REDIRECT_BODY_BYTES, decode_content=False)
            finally:
                # A body that was read to its end has given its connection back already.
                response.raw.close()
            trail.url = target
            trail.hops.append(target)

    def _note(self, trail: _Trail, response: requests.Response, start: float) -> None:
        raw = response.raw
        trail.status = response.status_code
        trail.headers = list(raw.headers.items())
        trail.content_type = raw.headers.get("content-type")
        trail.first_byte_ms = _ms_since(start)
        trail.http_version = {10: "1.0", 11: "1.1"}.get(raw.version)
        sock = getattr(raw.connection, "sock", None)
        if sock is not None:
            trail.remote_ip = sock.getpeername()[0]

    def _check_hop(self, trail: _Trail, target: str) -> None:
        if len(trail.hops) >= self._http.max_redirects:
            limit = self._http.max_redirects
            raise Failure(Outcome.REDIRECTS, f"more than http.max_redirects ({limit}) redirects")
        scheme = urls.scheme_of(target)
        if scheme is not None and scheme not in urls.SCHEMES:
            raise Failure(Outcome.BLOCKED, f"redirected to a {scheme!r} address")
        fault = urls.fault(target, self._http.max_url_bytes)
        if fault is not None:
            raise Failure(Outcome.PROTOCOL, f"redirected to what is no URL: {fault}")

    def _read_body(self, trail: _Trail, raw: urllib3.HTTPResponse, start: float) -> None:
        digest = hashlib.sha256()
        size = 0
        limit = self._http.max_body_bytes
        deadline = start + self._http.total_timeout_s
        for piece in raw.stream(_READ_BYTES, decode_content=True):
            digest.update(piece)
            size += len(piece)
            trail.body_bytes, trail.wire_bytes = size, raw.tell()
            if size > limit or raw.tell() > limit:
                raise Failure(Outcome.TOO_LARGE, f"body larger than http.max_body_bytes ({limit})")
            # A fast endless body never blocks, and so would never let the timeout fire.
            gevent.sleep(0)
            if time.monotonic() > deadline:
                raise Failure(Outcome.TIMEOUT, "took longer than http.total_timeout_s")
        trail.body_bytes, trail.wire_bytes = size, raw.tell()
        trail.sha256 = digest.hexdigest()


def _redirect_target(response: requests.Response) -> str | None:
    """Absolute target of a redirect; None if the response is none. Raises what urljoin raises."""
    location = response.headers.get("location")
    if response.status_code not in REDIRECT_STATI or location is None:
        return None
    # http.client decodes headers as latin-1; what was sent is nearly always UTF-8, and what is
    # not goes back as the bytes that came, as browsers do it.
    raw = location.encode("latin-1").strip()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = quote(raw, safe=_URL_BYTES)
    target = urljoin(response.url or "", text)
    if not urlsplit(target).fragment:
        fragment = urlsplit(response.url or "").fragment
        target = f"{target}#{fragment}" if fragment else target
    return str(requote_uri(target))


def _ms_since(start: float) -> float:
    return round((time.monotonic() - start) * 1000, 3)
