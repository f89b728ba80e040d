"""A server that answers with the request that it got, to compare two clients."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.http_server import HttpServer

USER, PASSWORD, REALM, NONCE = "me", "s3cret", "echo", "0123456789abcdef"
# Of no meaning, or different by nature.
IGNORED = frozenset({"connection", "host"})
STREAMED = "chunk one, chunk two, chunk three"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.body = self._read_body()
        name = "do_" + url.path.strip("/").split("/")[0].replace("-", "_")
        answer = getattr(self, name, None)
        if answer is None:
            self._send(404, b"no such page\n")
        else:
            answer(query)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _any

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_echo(self, query: dict[str, str]) -> None:
        said: dict[str, Any] = {
            "method": self.command,
            "path": self.path,
            "headers": sorted(
                (name.lower(), value)
                for name, value in self.headers.items()
                if name.lower() not in IGNORED
            ),
            "body": hashlib.sha256(self.body).hexdigest(),
            "bytes": len(self.body),
        }
        self._send(200, json.dumps(said).encode(), ("Content-Type", "application/json"))

    def do_status(self, query: dict[str, str]) -> None:
        code = int(query["code"])
        self._send(
            code, b"" if code in (204, 304) else b"status\n", ("X-Twice", "a"), ("X-Twice", "b")
        )

    def do_redirect(self, query: dict[str, str]) -> None:
        self._send(
            int(query.get("code", "302")), b"elsewhere\n", ("Location", query.get("to", "/echo"))
        )

    def do_no_location(self, query: dict[str, str]) -> None:
        self._send(302, b"nowhere\n")

    def do_set_cookie(self, query: dict[str, str]) -> None:
        cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")]
        if "to" in query:
            self._send(302, b"", ("Location", query["to"]), *cookies)
        else:
            self._send(200, b"set\n", *cookies)

    def do_basic(self, query: dict[str, str]) -> None:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {token}":
            self._send(200, b"welcome\n")
        else:
            self._send(401, b"who are you\n", ("WWW-Authenticate", f'Basic realm="{REALM}"'))

    def do_digest(self, query: dict[str, str]) -> None:
        said = self.headers.get("Authorization", "")
        parts = dict(
            part.strip().split("=", 1)
            for part in said.removeprefix("Digest ").split(",")
            if "=" in part
        )
        parts = {name: value.strip('"') for name, value in parts.items()}
        if said.startswith("Digest ") and parts.get("response") == self._digest(parts):
            self._send(200, b"welcome\n")
        else:
            challenge = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
            self._send(401, b"who are you\n", ("WWW-Authenticate", challenge))

    def _digest(self, parts: dict[str, str]) -> str:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first = md5(f"{USER}:{REALM}:{PASSWORD}")
        second = md5(f"{self.command}:{self.path}")
        return md5(f"{first}:{NONCE}:{parts['nc']}:{parts['cnonce']}:auth:{second}")

    def do_packed(self, query: dict[str, str]) -> None:
        text = b"the same text again and again, " * 100
        how = query["how"]
        packed = {
            "gzip": gzip.compress(text, mtime=0),
            "deflate": zlib.compress(text),
            "raw-deflate": zlib.compress(text)[2:-4],
            "two-members": gzip.compress(text, mtime=0) * 2,
            "unknown": text,
            "damaged": b"this is no gzip at all",
            "identity": text,
        }[how]
        names = {"raw-deflate": "deflate", "two-members": "gzip", "damaged": "gzip", "unknown": "x"}
        self._send(200, packed, ("Content-Encoding", names.get(how, how)))

    def do_chunked(self, query: dict[str, str]) -> None:
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in STREAMED.split(" "):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part.encode()))
        self.wfile.write(b"0\r\n\r\n")

    def do_short(self, query: dict[str, str]) -> None:
        self.send_response_only(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def do_close(self, query: dict[str, str]) -> None:
        self.close_connection = True

    def do_never(self, query: dict[str, str]) -> None:
        threading.Event().wait(float(query.get("s", "5")))
        self.close_connection = True

    def do_raw(self, query: dict[str, str]) -> None:
        self.wfile.write(
            query["bytes"].encode("latin-1").decode("unicode_escape").encode("latin-1")
        )
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """Its base URL, without a slash at the end."""
    server = HttpServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
