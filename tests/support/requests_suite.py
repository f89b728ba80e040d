"""`pytest -p support.requests_suite`: every Session of requests uses our adapter."""

from __future__ import annotations

import functools
import socketserver
from wsgiref.simple_server import WSGIServer, make_server

import msgspec
import pytest_httpbin.serve  # type: ignore[import-not-found]
import requests.sessions

from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.settings.schema import Settings

SETTINGS = {
    "guard": {"allow": ["127.0.0.0/8", "::1/128"]},
    "dns": {"servers": ["127.0.0.1:1"], "timeout_s": 0.2, "tries": 1},  # no server is there
}
TRANSPORT = Connections(msgspec.convert(SETTINGS, Settings))


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request, so that a slow answer does not hold up the next tests."""

    daemon_threads = True


pytest_httpbin.serve.make_server = functools.partial(make_server, server_class=_Threaded)
requests.sessions.HTTPAdapter = lambda: CurlAdapter(TRANSPORT)  # type: ignore
