"""Sections about one fetch: HTTP, host names, and the addresses that are allowed."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from fetcher.settings import secrecy
from fetcher.settings.value_types import (
    MIB,
    Addresses,
    Factory,
    Headers,
    LoggedOut,
    Networks,
    Seconds,
    Section,
    TlsGroups,
    about,
    parse_server,
)


class Http(Section, frozen=True, kw_only=True):
    """One fetch and its limits."""

    connect_timeout_s: Annotated[Seconds, about("limit on the time to connect, TLS included")] = (
        10.0
    )
    total_timeout_s: Annotated[
        Seconds,
        about(
            "hard limit on one attempt, redirects included, from its start to the last byte; "
            "the wait for the host's turn does not count"
        ),
    ] = 60.0
    low_speed_s: Annotated[
        Seconds,
        about(
            "a connected server that sends less than http.low_speed_bytes_s for so long is given "
            "up, at most an eighth of this and a second later; the wait for an answer counts, too"
        ),
    ] = 20.0
    low_speed_bytes_s: Annotated[
        int, about("bytes per second; 1: only a silent server is too slow", ge=1)
    ] = 1
    max_body_bytes: Annotated[int, about("largest body, decoded", ge=0)] = 10 * MIB
    max_wire_bytes: Annotated[int, about("largest body, as received", ge=0)] = 10 * MIB
    max_ratio: Annotated[
        int, about("largest ratio of decoded to received size, for bodies over 1 MiB decoded", ge=1)
    ] = 1000
    max_headers: Annotated[int, about("most header lines of one response", ge=1, le=10_000)] = 1000
    max_header_bytes: Annotated[
        int, about("largest size of all headers of one exchange", ge=1024, le=290 * 1024)
    ] = 128 * 1024
    max_redirects: Annotated[int, about("most redirects followed for one URL", ge=0, le=100)] = 10
    redirect_body_bytes: Annotated[
        int, about("so many bytes of a redirect's body are read, to reuse the connection", ge=0)
    ] = 16 * 1024
    cross_origin_bodies: Annotated[
        bool,
        about(
            "a redirect with status 307 or 308 to another scheme, host or port gets the request's "
            "body; false: such a line ends as blocked"
        ),
    ] = True
    max_url_bytes: Annotated[
        int,
        about("longest URL in UTF-8 bytes, both as given and as sent", ge=16, le=32_768),
    ] = 8192
    user_agent: Annotated[
        str,
        about(
            "User-Agent of each request; say here who you are and how to reach you",
            min_length=1,
            pattern=r"^[\x20-\x7e]+\Z",
            kind="a text of printable ASCII",
        ),
    ] = "fetcher/0.1 (bulk URL fetcher)"
    headers: Annotated[
        Headers,
        about(
            "headers of each request, in this order, as UTF-8; a line's own headers "
            'replace those of the same name; for example ["Accept: */*"]; in a crawl, those that '
            "may be secret are sent to the hosts of seeds only",
            hide=secrecy.header_values,
        ),
    ] = ()
    auth: Annotated[
        Factory,
        about(
            "your module:name; called without arguments, it returns a requests auth object "
            "that is applied to each URL's first host; in a crawl, to the hosts of seeds only"
        ),
    ] = ""
    cookies_file: Annotated[
        str,
        about("file of cookies in the browsers' cookies.txt format, sent to the sites they name"),
    ] = ""
    login: Annotated[
        Factory,
        about(
            "your module:function; called once per job, it logs in with a requests session; its "
            "cookies and headers are then sent by all workers"
        ),
    ] = ""
    login_timeout_s: Annotated[Seconds, about("limit on one call of http.login")] = 60.0
    logged_out: Annotated[
        LoggedOut,
        about(
            "answers after which http.login is called again and the line is tried again; for "
            'example "status:401|redirect:/login|text:Please log in"'
        ),
    ] = ""
    max_logins: Annotated[
        int, about("most new log-ins within http.login_window_s", ge=1, le=10_000)
    ] = 10
    login_window_s: Annotated[Seconds, about("see http.max_logins")] = 600.0
    http2: Annotated[bool, about("use HTTP/2 if an https server offers it")] = True
    max_connections: Annotated[
        int,
        about(
            "idle connections that one worker process keeps for reuse; 0: as many as "
            "worker.pool_size",
            ge=0,
            le=100_000,
        ),
    ] = 0
    connection_age_s: Annotated[
        Seconds, about("a connection that is idle for longer is not reused")
    ] = 60.0
    proxy: Annotated[
        str,
        about(
            "proxy for all requests, which also resolves their hosts; the environment's "
            "proxies are never used",
            pattern=r"^((http|https|socks5h)://([^\s/@]+@)?([^\s/:@\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}/?)?\Z",
            kind='http, https or socks5h://HOST:PORT, or ""',
            hide=secrecy.credentials,
        ),
    ] = ""
    ip_version: Annotated[
        Literal["any", "4", "6"], about("IP version of the addresses that are used")
    ] = "any"
    verify_tls: Annotated[bool, about("check servers' certificates")] = True
    ca_file: Annotated[
        str, about("file of trusted authorities (PEM); empty: the certifi bundle")
    ] = ""
    tls_groups: Annotated[
        TlsGroups,
        about(
            "groups for the key exchange of TLS, the preferred first; empty: those of the library. "
            '["X25519", "P-256", "P-384"] saves CPU and gives up post-quantum key exchange'
        ),
    ] = ()
    client_cert: Annotated[
        str, about("file of the client certificate (PEM), with its key unless client_key is set")
    ] = ""
    client_key: Annotated[str, about("file of the client certificate's key (PEM)")] = ""

    def __post_init__(self) -> None:
        for group in self.tls_groups:
            if self.tls_groups.count(group) > 1:
                raise ValueError(f"{group} is named twice")


class Dns(Section, frozen=True, kw_only=True):
    """How host names are resolved."""

    servers: Annotated[Addresses, about("name servers; empty: those of this machine")] = ()
    timeout_s: Annotated[Seconds, about("limit on one question to one server")] = 3.0
    tries: Annotated[int, about("rounds of questions", ge=1, le=10)] = 3
    order: Annotated[
        Literal["a-first", "aaaa-first", "both"],
        about(
            "a-first: IPv6 addresses (AAAA) are asked for only where a name has no IPv4 address "
            "that [guard] passes, or where no connection to one is made; aaaa-first: the other way "
            "round; both: at once, and IPv6 is tried first"
        ),
    ] = "a-first"
    cache_s: Annotated[Seconds, about("how long an answer is used")] = 300.0
    negative_s: Annotated[
        Seconds, about("how long a failed look-up (no such name, or no answer) is not repeated")
    ] = 30.0
    cache_names: Annotated[int, about("most names in the cache of one worker process", ge=1)] = (
        50_000
    )

    def __post_init__(self) -> None:
        for server in self.servers:
            parse_server(server)


class Guard(Section, frozen=True, kw_only=True):
    """Which addresses may be connected to: the public internet, and those allowed here."""

    allow: Annotated[
        Networks,
        about('private or special networks to allow, such as ["127.0.0.0/8", "::1/128"]'),
    ] = ()

    def __post_init__(self) -> None:
        for network in self.allow:
            ipaddress.ip_network(network)
