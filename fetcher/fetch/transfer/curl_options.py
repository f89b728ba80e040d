"""How a libcurl handle is set up: by the settings, and by the shape of a request.

libcurl adds nothing of its own: no header, no look-up of a name, no redirect, no decoding, and no
proxy or other value from the environment.
"""

from __future__ import annotations

from typing import Final

import pycurl

from fetcher.fetch.header_text import merged
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.message import Request
from fetcher.fetch.transfer.tls import ca_file
from fetcher.fetch.urls import request_target
from fetcher.politeness.retry import IDEMPOTENT
from fetcher.settings.schema import Http

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"
# For an archive: what every reader of WARC files decodes (warcio fails on br, and knows no zstd).
ARCHIVE_ENCODING: Final = "gzip, deflate"

_SUPPRESS_CONNECT_HEADERS: Final = 265  # pycurl has no name for it
_NEED_A_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})  # also where there is no body
_IP_VERSIONS: Final = {
    "any": pycurl.IPRESOLVE_WHATEVER,
    "4": pycurl.IPRESOLVE_V4,
    "6": pycurl.IPRESOLVE_V6,
}


def set_limits(easy: pycurl.Curl, http: Http) -> None:
    """Set what depends on the settings alone."""
    verify_host = 2 if http.verify_tls else 0
    options: dict[int, object] = {
        pycurl.NOSIGNAL: 1,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        pycurl.PATH_AS_IS: 1,
        pycurl.HTTP_CONTENT_DECODING: 0,
        pycurl.HTTP_VERSION: (
            pycurl.CURL_HTTP_VERSION_2TLS if http.http2 else pycurl.CURL_HTTP_VERSION_1_1
        ),
        pycurl.CONNECTTIMEOUT_MS: int(http.connect_timeout_s * 1000),
        pycurl.MAXAGE_CONN: max(1, round(http.connection_age_s)),
        pycurl.DNS_CACHE_TIMEOUT: -1,
        pycurl.IPRESOLVE: _IP_VERSIONS[http.ip_version],
        pycurl.PROXY: http.proxy,  # set also where it is empty: the environment is not asked
        pycurl.NOPROXY: "",
        _SUPPRESS_CONNECT_HEADERS: 1,
        pycurl.CAINFO: ca_file(http),
        pycurl.SSL_VERIFYPEER: int(http.verify_tls),
        pycurl.SSL_VERIFYHOST: verify_host,
        pycurl.PROXY_CAINFO: ca_file(http),
        pycurl.PROXY_SSL_VERIFYPEER: int(http.verify_tls),
        pycurl.PROXY_SSL_VERIFYHOST: verify_host,
    }
    if http.tls_groups:
        options[pycurl.SSL_EC_CURVES] = ":".join(http.tls_groups)
    if http.client_cert:
        options[pycurl.SSLCERT] = http.client_cert
    if http.client_key:
        options[pycurl.SSLKEY] = http.client_key
    for option, value in options.items():
        easy.setopt(option, value)


def default_headers(http: Http, encodings: str) -> dict[str, str]:
    """By name, the header lines that are sent where the request has none of that name."""
    return {
        "user-agent": f"User-Agent: {http.user_agent}",
        "accept-encoding": f"Accept-Encoding: {encodings}",
        "accept": "Accept: */*",
    }


def set_shape(easy: pycurl.Curl, request: Request, defaults: dict[str, str]) -> None:
    """Set the request's method, headers and body; all but its URL.

    `defaults`: see `default_headers`. `Name:` without a value keeps libcurl's own header away.
    """
    body = request.body
    if request.method == "HEAD":
        easy.setopt(pycurl.NOBODY, 1)
        body = None  # libcurl would announce it and not send it
    elif body is None and request.method in _NEED_A_LENGTH:
        body = b""
    if body is not None:
        easy.setopt(pycurl.POSTFIELDS, body)
        defaults = defaults | {"expect": "Expect:", "content-type": "Content-Type:"}
    if request.method not in IDEMPOTENT:
        # libcurl sends a request again where a kept connection was closed meanwhile.
        easy.setopt(pycurl.FRESH_CONNECT, 1)
    if request.method not in ("GET", "HEAD") or body is not None:
        easy.setopt(pycurl.CUSTOMREQUEST, request.method)
    easy.setopt(pycurl.HTTPHEADER, _header_lines(request, defaults))


def _header_lines(request: Request, defaults: dict[str, str]) -> list[bytes]:
    given = [
        (name.lower(), f"{name}: {value}" if value else f"{name};")
        for name, value in request.headers
        if request.method != "HEAD" or name.lower() not in redirects.BODY_HEADERS
    ]
    return [line.encode("latin-1") for _, line in merged(tuple(defaults.items()), given)]


def needs_target(url: str) -> bool:
    """Whether libcurl would send another request target than the URL has.

    It changes the case of escapes, and drops an empty query.
    """
    return "%" in url or "?#" in url or url.endswith("?")


def target_to_send(url: str, http: Http) -> str:
    """The request target to send: the whole URL to an HTTP proxy, else path and query."""
    is_whole = http.proxy.startswith("http") and url.startswith("http:")
    return url.partition("#")[0] if is_whole else request_target(url)
