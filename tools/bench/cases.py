"""What is fetched in the comparisons of programs, and from which server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fetcher.settings.schema import Http
from tools.bench import web
from tools.bench.processes import Fleet, cores, pin
from tools.site.running import RunningSite

# All programs offer one key share, of X25519: a second, as of a post-quantum group, costs CPU.
# P-256 is the curve of the server's certificate, without which a client would not take that.
TLS_GROUPS: Final = "X25519:P-256"
_OPENSSL_CONF: Final = f"""\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = groups
[groups]
Groups = {TLS_GROUPS}
"""


@dataclass(frozen=True)
class Case:
    """What is fetched in one comparison."""

    name: str
    title: str
    url: str  # with {port} or {base}, {n} and {address}
    count: int
    pool: int
    programs: tuple[str, ...]  # in the order of the table; fetcher's come first
    at_least: dict[str, float] = field(default_factory=dict)  # ratios of rates to peers
    rate: float = 0.0  # URLs/s
    peak_mb: float = 0.0  # of fetcher's worker
    tls: bool = False
    latency_ms: float | None = None  # of the local site, which is then the server
    body_bytes: int = 0  # of each page; 0: they differ

    @property
    def on_site(self) -> bool:
        return self.latency_ms is not None or not web.has_nginx()


_PLAIN: Final = (
    *("fetcher", "aiohttp_loop", "requests_pool", "article", "scrapy_spider"),
    *("curl", "aria2c", "wget2", "pycurl_multi"),
)
_POLITE: Final = ("fetcher_polite", "aiohttp_polite", "scrapy_polite")
CASES: Final = {
    case.name: case
    for case in (
        Case(
            "keepalive",
            "1 KB keep-alive, one host",
            "http://127.0.0.1:{port}/1000?n={n}",
            *(250_000, 256, _PLAIN),
            at_least={
                "aiohttp_loop": 2.0,
                "pycurl_multi": 0.47,
                "article": 15.0,
                "scrapy_spider": 20.0,
            },
            rate=10_000,
            body_bytes=1000,
        ),
        Case(
            "hosts",
            "20 KB, a new host each",
            "http://{address}:{port}/20000",
            *(120_000, 256, (_PLAIN[0], *_POLITE[:1], *_PLAIN[1:], *_POLITE[1:])),
            at_least={"aiohttp_loop": 1.4},
            body_bytes=20_000,
        ),
        Case(
            "https",
            "20 KB HTTPS verified, a new host each",
            f"https://h{{n}}.{web.DOMAIN}:{{port}}/20000",
            *(40_000, 256, ("fetcher", "aiohttp_loop", "scrapy_spider", "curl", "pycurl_multi")),
            at_least={"aiohttp_loop": 1.15, "pycurl_multi": 0.78},
            tls=True,
            body_bytes=20_000,
        ),
        Case(
            "late",
            "2 s latency, 5,000 in flight",
            "{base}/bytes/1000?n={n}",
            *(100_000, 5000, ("fetcher", "aiohttp_loop", "pycurl_multi")),
            rate=0.95 * 2500,
            peak_mb=200,
            latency_ms=2000,
            body_bytes=1000,
        ),
        Case(
            "wide",
            "2 s latency, 10,000 in flight",
            "{base}/bytes/1000?n={n}",
            *(60_000, 10_000, ("fetcher", "pycurl_multi")),
            latency_ms=2000,
            body_bytes=1000,
        ),
        Case(
            "demo",
            "the demo's pages",
            "{base}/page/{n}",
            *(20_000, 256, ("fetcher", "aiohttp_loop", "article")),
            latency_ms=0,
        ),
    )
}


@dataclass(frozen=True)
class Server:
    """What programs must know of their server."""

    url: str  # with {n} and {address}
    settings: tuple[str, ...] = ()  # that fetcher needs
    ca_file: Path | None = None
    names_port: int = 0  # the name server's
    port: int = 0
    timeout_s: float = 60.0  # of a request

    def environment(self) -> dict[str, str]:
        """For programs that take the authority and the groups from OpenSSL's own variables."""
        if self.ca_file is None:
            return {}
        conf = self.ca_file.with_name("openssl.cnf")
        conf.write_text(_OPENSSL_CONF, "ascii")
        return {"OPENSSL_CONF": str(conf), "SSL_CERT_FILE": str(self.ca_file)}


@contextlib.contextmanager
def serving(case: Case, directory: Path, fleet: Fleet) -> Iterator[Server]:
    """The case's server, for the length of a `with` block."""
    core = cores()[0]
    if case.on_site:
        with RunningSite(latency_ms=case.latency_ms or 0) as site:
            pin(core, site.pid)
            path = case.url.replace("{port}/1000", "{port}/bytes/1000")
            path = path.replace("{port}/20000", "{port}/bytes/20000")
            url = path.replace("{base}", site.base).replace("{port}", str(site.port))
            yield Server(url, port=site.port)
        return
    with web.Web(directory, core) as server:
        if not case.tls:
            url = case.url.replace("{port}", str(server.port))
            yield Server(url, port=server.port)
            return
        names = web.start_names(fleet, core)
        yield Server(
            case.url.replace("{port}", str(server.tls_port)),
            secure_settings(names, server.ca_file),
            server.ca_file,
            names,
            server.tls_port,
        )


def secure_settings(names_port: int, ca_file: Path) -> tuple[str, ...]:
    """fetcher's settings for servers that our name server and our authority know."""
    settings = (f"dns.servers=127.0.0.1:{names_port}", f"http.ca_file={ca_file}")
    return (*settings, _groups_setting()) if can_set_groups() else settings


def can_set_groups() -> bool:
    """Whether fetcher has a setting for TLS groups."""
    return "tls_groups" in Http.__struct_fields__


def _groups_setting() -> str:
    is_list = isinstance(getattr(Http(), "tls_groups", ""), tuple)
    value = json.dumps(TLS_GROUPS.split(":")) if is_list else TLS_GROUPS
    return f"http.tls_groups={value}"


def list_of(url: str, count: int) -> Iterator[str]:
    """The case's URLs, each with its number, or its host of its own, in."""
    for n in range(1, count + 1):
        address = f"127.{1 + n // 64_516 % 250}.{n // 254 % 254}.{n % 254 + 1}"
        yield url.replace("{n}", str(n)).replace("{address}", address)


def measurable(names: Iterable[str]) -> Iterator[tuple[str, Case]]:
    """These cases, each with its name; says which one cannot be measured here."""
    for name in names:
        case = CASES[name]
        if case.tls and not web.has_nginx():
            print(f"\n{case.title}: not measured, because nginx is not installed")
        else:
            yield name, case
