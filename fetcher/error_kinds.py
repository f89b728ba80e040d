"""Why a line failed, for programs: under each outcome, a small fixed set of words.

This table is the only list of the words; the schema, the documents, the filters and the sink's
check are made from it. A kind is chosen where the failure is known, and never derived from a
message. Words may be added, but a word is not renamed and does not change its meaning.

`http_error` has no kinds, as its `status` says the same. `other` is under every other outcome: a
`worker.transport` of the user's own may not say more.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import UNSET, UnsetType

from fetcher.model import OUTCOMES, Fault, Outcome

OTHER: Final = "other"
_OTHER: Final = "another reason; `error` says which"


class ErrorKind(enum.Enum):
    """An outcome, the word for `error_kind` under it, and what the word means."""

    outcome: Outcome
    word: str
    meaning: str

    def __init__(self, outcome: Outcome, word: str, meaning: str) -> None:
        self.outcome = outcome
        self.word = word
        self.meaning = meaning

    URL_SCHEME = (
        Outcome.INVALID_URL,
        "scheme",
        "the URL has no scheme, or another than http and https",
    )
    URL_HOST = (
        Outcome.INVALID_URL,
        "host",
        "the host is missing, or is neither a name nor an IP address",
    )
    URL_PORT = Outcome.INVALID_URL, "port", "the port is not a number from 1 to 65535"
    URL_CREDENTIALS = Outcome.INVALID_URL, "credentials", "the URL holds a user name or password"
    URL_CHARACTER = Outcome.INVALID_URL, "character", "the line holds a control character"
    URL_TOO_LONG = (
        Outcome.INVALID_URL,
        "too_long",
        "the line or its URL is too long (`http.max_url_bytes`)",
    )
    LINE_ENCODING = Outcome.INVALID_URL, "encoding", "the line is not valid UTF-8"
    LINE_RECORD = (
        Outcome.INVALID_URL,
        "record",
        "the line is not a valid JSON or CSV record with a URL",
    )
    LINE_FIELD = (
        Outcome.INVALID_URL,
        "field",
        "the method, a header, the body or the id cannot be used, or a key is unknown",
    )
    URL_OTHER = Outcome.INVALID_URL, OTHER, _OTHER

    BLOCKED_ADDRESS = (
        Outcome.BLOCKED,
        "address",
        "the address is private or special (`guard.allow` opens it)",
    )
    BLOCKED_SCHEME = (
        Outcome.BLOCKED,
        "scheme",
        "a redirect leads to another scheme than http and https",
    )
    BLOCKED_BODY = (
        Outcome.BLOCKED,
        "cross_origin_body",
        "a redirect would take the request's body to another origin (`http.cross_origin_bodies`)",
    )
    BLOCKED_OTHER = Outcome.BLOCKED, OTHER, _OTHER

    ROBOTS_DISALLOWED = Outcome.ROBOTS, "disallowed", "robots.txt forbids the URL"
    ROBOTS_UNREADABLE = (
        Outcome.ROBOTS,
        "unreadable",
        "the server answers the request for robots.txt with a status of 500 or more",
    )
    ROBOTS_OTHER = Outcome.ROBOTS, OTHER, _OTHER

    DNS_NO_NAME = Outcome.DNS, "no_such_name", "the name does not exist (NXDOMAIN)"
    DNS_NO_ADDRESS = (
        Outcome.DNS,
        "no_address",
        "the name has no IP address of a version that may be used (`http.ip_version`)",
    )
    DNS_NO_ANSWER = Outcome.DNS, "no_answer", "the name servers did not answer in time"
    DNS_FAILED = Outcome.DNS, "server_failed", "the name server answered SERVFAIL"
    DNS_REFUSED = Outcome.DNS, "refused", "the name server refused to answer"
    DNS_BAD_ANSWER = Outcome.DNS, "bad_answer", "the name server's answer is malformed"
    DNS_UNREACHABLE = Outcome.DNS, "unreachable", "the name server cannot be reached"
    DNS_OTHER = Outcome.DNS, OTHER, _OTHER

    CONNECT_REFUSED = Outcome.CONNECT, "refused", "the host refused or reset the connection"
    CONNECT_UNREACHABLE = (
        Outcome.CONNECT,
        "unreachable",
        "there is no route to the host, or the system gave up waiting for it",
    )
    CONNECT_PROXY = (
        Outcome.CONNECT,
        "proxy",
        "the proxy (`http.proxy`) cannot be reached, or did not connect to the host",
    )
    CONNECT_IP_VERSION = (
        Outcome.CONNECT,
        "ip_version",
        "the address is not of the version that `http.ip_version` allows",
    )
    CONNECT_LOCAL = (
        Outcome.CONNECT,
        "no_resources",
        "this machine has no free file descriptor, port or memory",
    )
    CONNECT_NOT_TRIED = (
        Outcome.CONNECT,
        "not_tried",
        "the host was given up after failures of other lines (`polite.circuit_failures`)",
    )
    CONNECT_OTHER = Outcome.CONNECT, OTHER, _OTHER

    TLS_EXPIRED = Outcome.TLS, "expired", "the certificate has expired"
    TLS_NOT_YET_VALID = Outcome.TLS, "not_yet_valid", "the certificate is not valid yet"
    TLS_WRONG_HOST = Outcome.TLS, "wrong_host", "the certificate is for another host"
    TLS_SELF_SIGNED = Outcome.TLS, "self_signed", "the certificate is signed by itself"
    TLS_UNTRUSTED = (
        Outcome.TLS,
        "untrusted",
        "the certificate is not trusted for another reason, such as an unknown authority or a "
        "missing intermediate certificate",
    )
    TLS_HANDSHAKE = (
        Outcome.TLS,
        "handshake",
        "the handshake failed: no common version or cipher, a reset, or no TLS at all",
    )
    TLS_CLIENT_CERTIFICATE = (
        Outcome.TLS,
        "client_certificate",
        "the server did not accept the client certificate (`http.client_cert`), or wants one",
    )
    TLS_OWN_FILES = (
        Outcome.TLS,
        "own_files",
        "`http.ca_file`, `http.client_cert` or `http.client_key` cannot be used",
    )
    TLS_OTHER = Outcome.TLS, OTHER, _OTHER

    TIMEOUT_RESOLVE = Outcome.TIMEOUT, "resolve", "no time was left while the name was looked up"
    TIMEOUT_CONNECT = (
        Outcome.TIMEOUT,
        "connect",
        "no TCP connection, or no tunnel through the proxy, was made",
    )
    TIMEOUT_TLS = Outcome.TIMEOUT, "tls", "connected, but the TLS handshake did not end"
    TIMEOUT_FIRST_BYTE = (
        Outcome.TIMEOUT,
        "first_byte",
        "connected, but no first line of an answer came",
    )
    TIMEOUT_STALLED = (
        Outcome.TIMEOUT,
        "stalled",
        "the answer began, then too little of it came (`http.low_speed_s`)",
    )
    TIMEOUT_TOTAL = (
        Outcome.TIMEOUT,
        "total",
        "the answer or a redirect came, but all of it took too long (`http.total_timeout_s`)",
    )
    TIMEOUT_ROBOTS = Outcome.TIMEOUT, "robots", "no time was left while robots.txt was fetched"
    TIMEOUT_OTHER = Outcome.TIMEOUT, OTHER, _OTHER

    LARGE_BODY = Outcome.TOO_LARGE, "body", "the decoded body is larger than `http.max_body_bytes`"
    LARGE_WIRE = Outcome.TOO_LARGE, "wire", "more than `http.max_wire_bytes` of a body came"
    LARGE_RATIO = (
        Outcome.TOO_LARGE,
        "ratio",
        "the body unpacks to more than `http.max_ratio` times its size: a bomb",
    )
    LARGE_OTHER = Outcome.TOO_LARGE, OTHER, _OTHER

    REDIRECTS_LOOP = (
        Outcome.REDIRECTS,
        "loop",
        "more redirects than `http.max_redirects`, with a URL that came up before",
    )
    REDIRECTS_TOO_MANY = (
        Outcome.REDIRECTS,
        "too_many",
        "more redirects than `http.max_redirects`, all to different URLs",
    )
    REDIRECTS_OTHER = Outcome.REDIRECTS, OTHER, _OTHER

    PROTOCOL_NO_ANSWER = (
        Outcome.PROTOCOL,
        "no_answer",
        "the server closed the connection without an answer",
    )
    PROTOCOL_RESET = (
        Outcome.PROTOCOL,
        "reset",
        "the connection broke before an answer began",
    )
    PROTOCOL_BAD_HEAD = (
        Outcome.PROTOCOL,
        "bad_head",
        "the answer is not HTTP, or its status line or headers are malformed",
    )
    PROTOCOL_BAD_LENGTH = (
        Outcome.PROTOCOL,
        "bad_length",
        "Content-Length is malformed or contradicts itself",
    )
    PROTOCOL_HEADERS = (
        Outcome.PROTOCOL,
        "headers",
        "more headers than `http.max_headers`, or more bytes of them than `http.max_header_bytes`",
    )
    PROTOCOL_BAD_LOCATION = (
        Outcome.PROTOCOL,
        "bad_location",
        "a redirect leads to what is not a URL, or to several",
    )
    PROTOCOL_CUT_HEAD = Outcome.PROTOCOL, "cut_head", "the answer breaks off in its headers"
    PROTOCOL_CUT_BODY = Outcome.PROTOCOL, "cut_body", "the answer breaks off in its body"
    PROTOCOL_BAD_CHUNK = Outcome.PROTOCOL, "bad_chunk", "the chunked body is malformed"
    PROTOCOL_BAD_CODING = (
        Outcome.PROTOCOL,
        "bad_coding",
        "the body is not, or not wholly, what its Content-Encoding says",
    )
    PROTOCOL_HTTP2 = Outcome.PROTOCOL, "http2", "an error of HTTP/2, or a stream that was reset"
    PROTOCOL_INTERNAL = (
        Outcome.PROTOCOL,
        "internal",
        "fetcher, or code of yours that it called, failed; the worker's log says where",
    )
    PROTOCOL_OTHER = Outcome.PROTOCOL, OTHER, _OTHER

    CRASHED_DIED = Outcome.CRASHED, "died", "its workers died of it each time"
    CRASHED_LOST = Outcome.CRASHED, "lost", "the sink refused its rows, or they were lost"
    CRASHED_OTHER = Outcome.CRASHED, OTHER, _OTHER

    HANDLER_RAISED = Outcome.HANDLER, "raised", "it raised an exception"
    HANDLER_TIMEOUT = Outcome.HANDLER, "timeout", "it took too long (`worker.handler_timeout_s`)"
    HANDLER_BAD_RESULT = (
        Outcome.HANDLER,
        "bad_result",
        "it returned what is not a dict, what JSON cannot hold, or too much",
    )
    HANDLER_OTHER = Outcome.HANDLER, OTHER, _OTHER

    def fault(self, words: str) -> Fault:
        """This kind, with words for people, as the fault of an input line."""
        return Fault(self.word, words)


def _by_outcome() -> Mapping[Outcome, Mapping[str, ErrorKind]]:
    found: dict[Outcome, dict[str, ErrorKind]] = {outcome: {} for outcome in OUTCOMES}
    for kind in ErrorKind:
        found[kind.outcome][kind.word] = kind
    return MappingProxyType({key: MappingProxyType(kinds) for key, kinds in found.items()})


# The kinds of each outcome by their words; `ok` and `http_error` have none.
KINDS: Final = _by_outcome()
WORDS: Final[tuple[str, ...]] = tuple(dict.fromkeys(kind.word for kind in ErrorKind))
# By the outcome's code (see fetcher.model): what `error_kind` may be in a row.
ALLOWED: Final[tuple[frozenset[str | UnsetType], ...]] = tuple(
    frozenset(KINDS[outcome]) or frozenset({UNSET}) for outcome in OUTCOMES
)


def kind_of(outcome: Outcome, word: str) -> ErrorKind:
    """The kind of this word under this outcome. Raises ValueError."""
    kind = KINDS[outcome].get(word)
    if kind is None:
        known = ", ".join(KINDS[outcome]) or "none"
        raise ValueError(f"outcome {outcome.value} has no error_kind {word!r}; it has {known}")
    return kind
