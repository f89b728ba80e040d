"""Translates libcurl's errors: tables from its codes to our kinds of errors, and plain messages.

A code that is not in the tables gets the outcome `protocol`, with libcurl's own words. A kind
follows from libcurl's code, the system's errno and OpenSSL's verify result. libcurl's words decide
only where it has one code for several failures.
"""

from __future__ import annotations

import errno
import os
import re
from typing import Final

import pycurl

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.humanize import shortened
from fetcher.settings.schema import Http

_WEIRD_REPLY: Final = 8  # an answer that cannot be made sense of
_TOO_LARGE: Final = 100  # more headers than libcurl itself takes
_REFUSED_FROM: Final = 300  # statuses of a proxy that makes no tunnel
_MAX_CHARS: Final = 300

_KINDS: Final = {
    pycurl.E_URL_MALFORMAT: ErrorKind.URL_OTHER,
    pycurl.E_COULDNT_RESOLVE_HOST: ErrorKind.DNS_OTHER,
    pycurl.E_COULDNT_RESOLVE_PROXY: ErrorKind.CONNECT_PROXY,
    pycurl.E_COULDNT_CONNECT: ErrorKind.CONNECT_OTHER,
    97: ErrorKind.CONNECT_PROXY,  # CURLE_PROXY
    pycurl.E_FILESIZE_EXCEEDED: ErrorKind.LARGE_BODY,
    pycurl.E_SSL_CONNECT_ERROR: ErrorKind.TLS_HANDSHAKE,
    pycurl.E_PEER_FAILED_VERIFICATION: ErrorKind.TLS_UNTRUSTED,
    pycurl.E_SSL_CERTPROBLEM: ErrorKind.TLS_OWN_FILES,
    pycurl.E_SSL_CIPHER: ErrorKind.TLS_HANDSHAKE,
    pycurl.E_SSL_CACERT_BADFILE: ErrorKind.TLS_OWN_FILES,
    pycurl.E_SSL_ISSUER_ERROR: ErrorKind.TLS_UNTRUSTED,
    pycurl.E_SSL_INVALIDCERTSTATUS: ErrorKind.TLS_UNTRUSTED,
    pycurl.E_SSL_PINNEDPUBKEYNOTMATCH: ErrorKind.TLS_UNTRUSTED,
    pycurl.E_SSL_ENGINE_INITFAILED: ErrorKind.TLS_OTHER,
    pycurl.E_USE_SSL_FAILED: ErrorKind.TLS_OTHER,
    pycurl.E_UNSUPPORTED_PROTOCOL: ErrorKind.PROTOCOL_BAD_HEAD,
    _WEIRD_REPLY: ErrorKind.PROTOCOL_BAD_HEAD,
    pycurl.E_GOT_NOTHING: ErrorKind.PROTOCOL_NO_ANSWER,
    pycurl.E_SEND_ERROR: ErrorKind.PROTOCOL_RESET,
    pycurl.E_RECV_ERROR: ErrorKind.PROTOCOL_RESET,
    pycurl.E_PARTIAL_FILE: ErrorKind.PROTOCOL_CUT_BODY,
    pycurl.E_HTTP2: ErrorKind.PROTOCOL_HTTP2,
    92: ErrorKind.PROTOCOL_HTTP2,  # CURLE_HTTP2_STREAM
    _TOO_LARGE: ErrorKind.PROTOCOL_HEADERS,
}
_BY_ERRNO: Final = {
    errno.ECONNREFUSED: ErrorKind.CONNECT_REFUSED,
    errno.ECONNRESET: ErrorKind.CONNECT_REFUSED,
    errno.ECONNABORTED: ErrorKind.CONNECT_REFUSED,
    errno.ENETUNREACH: ErrorKind.CONNECT_UNREACHABLE,
    errno.EHOSTUNREACH: ErrorKind.CONNECT_UNREACHABLE,
    errno.ENETDOWN: ErrorKind.CONNECT_UNREACHABLE,
    errno.EHOSTDOWN: ErrorKind.CONNECT_UNREACHABLE,
    errno.ETIMEDOUT: ErrorKind.CONNECT_UNREACHABLE,
    errno.EMFILE: ErrorKind.CONNECT_LOCAL,
    errno.ENFILE: ErrorKind.CONNECT_LOCAL,
    errno.ENOBUFS: ErrorKind.CONNECT_LOCAL,
    errno.ENOMEM: ErrorKind.CONNECT_LOCAL,
    errno.EADDRNOTAVAIL: ErrorKind.CONNECT_LOCAL,
}
# By OpenSSL's X509_V_ERR_… codes. If libcurl itself finds that a valid certificate is for another
# host, the result is still 0 (X509_V_OK), or its initial value, 1.
_BY_VERIFY_RESULT: Final = {
    0: ErrorKind.TLS_WRONG_HOST,
    1: ErrorKind.TLS_WRONG_HOST,
    9: ErrorKind.TLS_NOT_YET_VALID,
    10: ErrorKind.TLS_EXPIRED,
    18: ErrorKind.TLS_SELF_SIGNED,
    62: ErrorKind.TLS_WRONG_HOST,
    64: ErrorKind.TLS_WRONG_HOST,
}

# Our words, where libcurl's own are unclear.
_WORDS: Final = {
    pycurl.E_GOT_NOTHING: "the server closed the connection without an answer",
    pycurl.E_RECV_ERROR: "the connection broke while receiving",
    pycurl.E_SEND_ERROR: "the connection broke while sending",
    pycurl.E_UNSUPPORTED_PROTOCOL: "the answer is not HTTP",
    _TOO_LARGE: "more headers than can be taken",
}
# Errors of a connection that ended before, or while, it carried a request.
_ENDED: Final = frozenset(
    {pycurl.E_GOT_NOTHING, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR, pycurl.E_HTTP2}
)
# libcurl's words when it gives up repeating a request itself: on kept connections that were dead,
# or on HTTP/2 connections that refused its stream or were closed under it (GOAWAY).
_GAVE_UP: Final = "Connection died, tried"
# Such an alert is about our own certificate, or its absence. In TLS 1.3 a server judges it after
# the handshake, when we already send or receive, so libcurl has several codes for it. Libraries
# that do not know the alert 116 show its number.
_ALERT: Final = re.compile(
    r"alert ((?:certificate|bad certificate|unknown ca|access)[a-z ]*)"
    r"|alert number 116|reason\(1116\)"
)
_ALERT_116: Final = "certificate required"
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
    """Whether a TLS server closed the connection without announcing it (close_notify)."""
    return code == pycurl.E_RECV_ERROR and any(said in words for said in _NO_CLOSE_NOTIFY)


def failure_of(code: int, words: str, easy: pycurl.Curl, http: Http, *, has_begun: bool) -> Failure:
    """The failure for libcurl's code and words, after a transfer on this handle.

    `has_begun`: whether a byte of the answer came.
    """
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return _timeout(words, easy, http, has_begun=has_begun)
    kind = _kind(code, words, easy, http)
    if kind is ErrorKind.PROTOCOL_BAD_LENGTH:
        return Failure(kind, "malformed or contradictory Content-Length")
    return Failure(kind, _message(code, words, easy))


def _kind(code: int, words: str, easy: pycurl.Curl, http: Http) -> ErrorKind:
    has_no_tunnel = easy.getinfo(pycurl.HTTP_CONNECTCODE) >= _REFUSED_FROM
    # With a proxy, all connections are made to it.
    if http.proxy and (has_no_tunnel or code == pycurl.E_COULDNT_CONNECT):
        return ErrorKind.CONNECT_PROXY
    exact = None
    if code == pycurl.E_COULDNT_CONNECT:
        exact = _BY_ERRNO.get(easy.getinfo(pycurl.OS_ERRNO))
    elif code == pycurl.E_PEER_FAILED_VERIFICATION:
        exact = _BY_VERIFY_RESULT.get(_verify_result(easy, http))
    elif _ALERT.search(words):
        exact = ErrorKind.TLS_CLIENT_CERTIFICATE
    elif _is_refused_stream(words, easy):
        exact = ErrorKind.PROTOCOL_HTTP2
    elif code == pycurl.E_RECV_ERROR:
        exact = _kind_of_reading(words, easy)
    elif code == _WEIRD_REPLY:
        exact = _kind_of_head(words)
    return exact or _KINDS.get(code, ErrorKind.PROTOCOL_OTHER)


def _kind_of_reading(words: str, easy: pycurl.Curl) -> ErrorKind | None:
    """The kind of a failure to receive, for which libcurl has only one code."""
    if _BAD_CHUNK.search(words):
        return ErrorKind.PROTOCOL_BAD_CHUNK
    return ErrorKind.PROTOCOL_CUT_BODY if easy.getinfo(pycurl.RESPONSE_CODE) else None


def _kind_of_head(words: str) -> ErrorKind | None:
    if words.startswith("Invalid Content-Length"):
        return ErrorKind.PROTOCOL_BAD_LENGTH
    # Older libcurls leave that to us (see fetch.transfer.redirects).
    return ErrorKind.PROTOCOL_BAD_LOCATION if words.startswith("Multiple Location") else None


def _verify_result(easy: pycurl.Curl, http: Http) -> int:
    """OpenSSL's verify result for the refused certificate, the host's or the proxy's."""
    of_host: int = easy.getinfo(pycurl.SSL_VERIFYRESULT)
    if not http.proxy.startswith("https:"):
        return of_host
    of_proxy: int = easy.getinfo(pycurl.PROXY_SSL_VERIFYRESULT)
    return of_proxy or of_host


def _message(code: int, words: str, easy: pycurl.Curl) -> str:
    if code == pycurl.E_COULDNT_CONNECT and (number := easy.getinfo(pycurl.OS_ERRNO)):
        return os.strerror(number)
    if code != pycurl.E_PEER_FAILED_VERIFICATION and (alert := _ALERT.search(words)):
        return f"the server refused: {alert[1] or _ALERT_116}"
    if _is_refused_stream(words, easy):
        return "the server refused the request on several HTTP/2 connections"
    return _line(code, words)


def _is_refused_stream(words: str, easy: pycurl.Curl) -> bool:
    """Whether an HTTP/2 server refused the request (REFUSED_STREAM) also on a new connection."""
    return words.startswith(_GAVE_UP) and easy.getinfo(pycurl.NUM_CONNECTS) > 0


def was_lost(code: int, easy: pycurl.Curl) -> bool:
    """Whether a kept connection ended under the request.

    For a transfer on this handle that ended before any of its answer came.
    """
    return code in _ENDED and not easy.getinfo(pycurl.NUM_CONNECTS)


def cut_by(missing_bytes: int) -> str:
    """The message for a body that ended too early."""
    return f"the body broke off, {missing_bytes} bytes are missing"


def _timeout(words: str, easy: pycurl.Curl, http: Http, *, has_begun: bool) -> Failure:
    if words.startswith("Operation too slow"):
        kind = ErrorKind.TIMEOUT_STALLED if has_begun else ErrorKind.TIMEOUT_FIRST_BYTE
        what = "sent too little" if has_begun else "did not answer"
        return Failure(
            kind,
            f"the server {what} for http.low_speed_s ({http.low_speed_s:g} s, less than "
            f"http.low_speed_bytes_s, {http.low_speed_bytes_s})",
        )
    if not words.startswith("Operation timed out"):
        # It counts TCP connections. With a proxy, that is not yet one to the host.
        is_connected = easy.getinfo(pycurl.NUM_CONNECTS) > 0 and not http.proxy
        kind = ErrorKind.TIMEOUT_TLS if is_connected else ErrorKind.TIMEOUT_CONNECT
        limit = min(http.connect_timeout_s, http.total_timeout_s)
        name = "connect" if limit == http.connect_timeout_s else "total"
        return Failure(kind, f"could not connect within http.{name}_timeout_s ({limit:g} s)")
    kind = ErrorKind.TIMEOUT_TOTAL if has_begun else ErrorKind.TIMEOUT_FIRST_BYTE
    return Failure(kind, f"took longer than http.total_timeout_s ({http.total_timeout_s:g} s)")


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
    return shortened(text, _MAX_CHARS)
