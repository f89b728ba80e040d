"""libcurl's failures become ours: a table from its codes to outcomes, and plain words.

Law: a code that the table does not know is `protocol`, with libcurl's own words.
"""

from __future__ import annotations

import os
import re
from typing import Final

import pycurl

from fetcher.model import Outcome
from fetcher.net.failures import BadLength, ConnectTimedOut, CutShort, Failure
from fetcher.settings import Http

_WEIRD_REPLY: Final = 8  # an answer that cannot be made sense of
_TOO_LARGE: Final = 100  # more headers than libcurl itself takes
_MAX_CHARS: Final = 300

_OUTCOMES: Final = {
    pycurl.E_URL_MALFORMAT: Outcome.INVALID_URL,
    pycurl.E_COULDNT_RESOLVE_HOST: Outcome.DNS,
    pycurl.E_COULDNT_RESOLVE_PROXY: Outcome.CONNECT,
    pycurl.E_COULDNT_CONNECT: Outcome.CONNECT,
    97: Outcome.CONNECT,  # CURLE_PROXY
    pycurl.E_OPERATION_TIMEDOUT: Outcome.TIMEOUT,
    pycurl.E_FILESIZE_EXCEEDED: Outcome.TOO_LARGE,
    pycurl.E_SSL_CONNECT_ERROR: Outcome.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: Outcome.TLS,
    pycurl.E_SSL_CERTPROBLEM: Outcome.TLS,
    pycurl.E_SSL_CIPHER: Outcome.TLS,
    pycurl.E_SSL_CACERT_BADFILE: Outcome.TLS,
    pycurl.E_SSL_ISSUER_ERROR: Outcome.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: Outcome.TLS,
    pycurl.E_SSL_PINNEDPUBKEYNOTMATCH: Outcome.TLS,
    pycurl.E_SSL_ENGINE_INITFAILED: Outcome.TLS,
    pycurl.E_USE_SSL_FAILED: Outcome.TLS,
}

# What libcurl says, in our words, where its own would not do.
_WORDS: Final = {
    pycurl.E_GOT_NOTHING: "the server closed the connection without an answer",
    pycurl.E_RECV_ERROR: "the connection broke while receiving",
    pycurl.E_SEND_ERROR: "the connection broke while sending",
    pycurl.E_UNSUPPORTED_PROTOCOL: "the answer is no HTTP",
    _TOO_LARGE: "more headers than can be taken",
}
# Errors of a connection that ended before, or while, it carried a request.
_ENDED: Final = frozenset(
    {pycurl.E_GOT_NOTHING, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR, pycurl.E_HTTP2}
)
# What libcurl says once it has repeated a request itself as often as it will: on kept connections
# that were dead, or on HTTP/2 connections that refused its stream or ended below it (GOAWAY).
_GAVE_UP: Final = "Connection died, tried"
_ALERT: Final = re.compile(r"alert ((?:certificate|bad certificate|unknown ca|access)[a-z ]*)")
# OpenSSL's words and GnuTLS's; libcurl has no code for it.
_NO_CLOSE_NOTIFY: Final = ("unexpected eof while reading", "non-properly terminated")
_MISSING: Final = re.compile(r"with (\d+) bytes (?:remaining|missing)")
# libcurl has no code for it: it says that it failed to receive.
_BAD_CHUNK: Final = re.compile(r"^chunk |chunked-encoding$")
_NOISE: Final = (
    re.compile(r"^SSL(: | certificate problem: )"),
    re.compile(r"^OpenSSL \S+: "),
    re.compile(r"error:[0-9A-F]{8}:(SSL routines)?:*:?"),
    re.compile(r"^TLS connect error: "),
)


def is_unannounced_end(code: int, words: str) -> bool:
    """Whether a TLS server closed the connection without the alert (close_notify) that says so."""
    return code == pycurl.E_RECV_ERROR and any(said in words for said in _NO_CLOSE_NOTIFY)


def failure_of(code: int, words: str, easy: pycurl.Curl, http: Http) -> Failure:
    """What libcurl's code and words mean, for a transfer that has ended on this handle."""
    outcome = _OUTCOMES.get(code, Outcome.PROTOCOL)
    if outcome is Outcome.TIMEOUT:
        begun = easy.getinfo(pycurl.STARTTRANSFER_TIME) > 0
        return _timeout(words, http, begun=begun)
    if code == _WEIRD_REPLY and words.startswith("Invalid Content-Length"):
        return BadLength()
    if code == pycurl.E_COULDNT_CONNECT:
        number = easy.getinfo(pycurl.OS_ERRNO)
        return Failure(outcome, os.strerror(number) if number else _line(code, words))
    if code == pycurl.E_RECV_ERROR and (alert := _ALERT.search(words)):
        # In TLS 1.3 a server judges the client's certificate after the handshake.
        return Failure(Outcome.TLS, f"the server refused: {alert[1]}")
    if code in (pycurl.E_PARTIAL_FILE, pycurl.E_RECV_ERROR) and easy.getinfo(pycurl.RESPONSE_CODE):
        return CutShort(_line(code, words))
    return Failure(outcome, _line(code, words))


def was_lost(code: int, words: str, easy: pycurl.Curl) -> bool:
    """Whether a kept connection ended under the request, or an HTTP/2 server left it undone.

    For a transfer that has ended on this handle before any of its answer came.
    """
    if code not in _ENDED:
        return False
    return words.startswith(_GAVE_UP) or not easy.getinfo(pycurl.NUM_CONNECTS)


def cut_by(missing_bytes: int) -> str:
    """In words: a body that ended so much too early."""
    return f"the body broke off, {missing_bytes} bytes are missing"


def _timeout(words: str, http: Http, *, begun: bool) -> Failure:
    if words.startswith("Operation too slow"):
        what = "sent too little" if begun else "did not answer"
        return Failure(
            Outcome.TIMEOUT,
            f"the server {what} for http.low_speed_s ({http.low_speed_s:g} s, less than "
            f"http.low_speed_bytes_s, {http.low_speed_bytes_s})",
        )
    if not words.startswith("Operation timed out"):
        limit = min(http.connect_timeout_s, http.total_timeout_s)
        name = "connect" if limit == http.connect_timeout_s else "total"
        return ConnectTimedOut(f"could not connect within http.{name}_timeout_s ({limit:g} s)")
    return Failure(
        Outcome.TIMEOUT, f"took longer than http.total_timeout_s ({http.total_timeout_s:g} s)"
    )


def _line(code: int, words: str) -> str:
    if code == pycurl.E_RECV_ERROR and _BAD_CHUNK.search(words):
        return "the chunked body is malformed"
    said = _WORDS.get(code)
    if said is not None:
        return said
    text = " ".join(words.split())
    missing = _MISSING.search(text)
    if missing:
        return cut_by(int(missing[1]))
    if code == pycurl.E_PARTIAL_FILE:
        return "the body broke off"
    for noise in _NOISE:
        text = noise.sub("", text)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        text = f"the certificate is not trusted: {text}"
    text = text or f"libcurl's error {code}"
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
