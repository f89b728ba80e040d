"""One declaration per setting: its default, its check, its help.

Law: a setting is declared here and nowhere else. What a check cannot say by its bounds, its `kind`
says in words, for people (see declared.allowed). The checks are made of what is converted to these
structs, not by their constructors.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

MIB: Final = 1024 * 1024
MAX_SINKS: Final = 64

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


def parse_server(text: str) -> tuple[str, int]:
    """The address and port of a name server given as IP, IP:PORT or [IP]:PORT; or ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{text!r} has no valid port")
    return str(ipaddress.ip_address(host)), int(port)


def _check_endpoint(value: str) -> None:
    _, _, port = value.rpartition(":")
    # The next two must be ports, too; libzmq would take a larger number modulo 65536.
    if value.startswith("tcp:") and not 0 < int(port) < 65_534:
        raise ValueError("no valid port")


def _check_sinks(values: tuple[str, ...]) -> None:
    taken: set[str] = set()
    for value in values:
        _check_endpoint(value)
        base, _, port = value.rpartition(":")
        both = {value, f"{base}:{int(port) + 1}" if port.isdigit() else f"{value}.1"}
        if both & taken:
            raise ValueError("two sinks at one address")
        taken |= both


def _about(description: str, kind: str = "", **checks: Any) -> Meta:
    """What a setting means, and its checks as msgspec.Meta has them."""
    return Meta(description=description, extra={"kind": kind} if kind else None, **checks)


def _kind(kind: str, pattern: str | None = None) -> Meta:
    return Meta(pattern=pattern, extra={"kind": kind})


# Patterns end with \Z, as $ would let a line end through.
_HEADER: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x1f\x7f]*\Z"
_ENDPOINT: Final = r"^(tcp://([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|ipc:///\S+)\Z"
_Header = Annotated[str, Meta(pattern=_HEADER)]
_Failure = Literal["dns", "connect", "tls", "timeout", "protocol"]
_Status = Annotated[int, Meta(ge=400, le=599)]
_Name = Annotated[str, Meta(pattern=r"^[^\s/:]+\Z")]

Networks = Annotated[tuple[str, ...], _kind('a list of networks such as "10.0.0.0/8"')]
Addresses = Annotated[
    tuple[str, ...], _kind("a list of IP addresses, with :PORT where it is not 53")
]
Headers = Annotated[tuple[_Header, ...], _kind('a list of texts "Name: value"')]
Failures = Annotated[tuple[_Failure, ...], _kind("a list of dns, connect, tls, timeout, protocol")]
Statuses = Annotated[tuple[_Status, ...], _kind("a list of statuses from 400 to 599")]
Factory = Annotated[str, _kind('module:name, or ""', r"^([\w.]+:\w+)?\Z")]
Names = Annotated[tuple[_Name, ...], _kind("a list of host names")]
Endpoint = Annotated[
    str, _kind("tcp://HOST:PORT or ipc:///PATH, with the next two ports free, too", _ENDPOINT)
]
SinkClients = Annotated[
    tuple[Annotated[str, Meta(pattern=_ENDPOINT)], ...],
    Meta(min_length=1, max_length=MAX_SINKS),
    _kind("1 to 64 of tcp://HOST:PORT or ipc:///PATH, each with the next port free, too"),
]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that belong together."""


class Job(Section, frozen=True, kw_only=True):
    """What is handed out."""

    batch_size: Annotated[
        int, _about("physical lines of the URL file in one batch", ge=1, le=10_000)
    ] = 200


class Worker(Section, frozen=True, kw_only=True):
    """The processes that fetch."""

    processes: Annotated[
        int,
        _about(
            "worker processes; 0: one per core, and a single one in `fetcher run` where the input "
            "has fewer URL lines than job.batch_size",
            ge=0,
            le=1024,
        ),
    ] = 0
    pool_size: Annotated[
        int, _about("fetches in flight at once in one worker process", ge=1, le=20_000)
    ] = 256
    chunk_rows: Annotated[
        int,
        _about("rows of one batch that go to the sink in one message", ge=1, le=10_000),
    ] = 256
    chunk_interval_s: Annotated[
        Seconds, _about("a finished row waits at most this long for company")
    ] = 0.05
    heartbeat_s: Annotated[Seconds, _about("a worker says that it lives, this often")] = 1.0
    grace_s: Annotated[
        float,
        _about("at a stop: how long requests in flight may still finish", ge=0, le=3600),
    ] = 10.0
    watchdog_s: Annotated[
        Seconds, _about("a worker whose event loop has stood still for so long is ended")
    ] = 30.0
    standing: Annotated[
        bool,
        _about(
            "`fetcher worker` stays when a job is complete, for the next ventilator at "
            "the same address; SIGTERM lets it finish what is in flight and leave"
        ),
    ] = False
    transport: Annotated[
        str,
        _about(
            "what fetches: curl, null (fetches nothing: for measuring the pipeline), "
            'or your own "module:factory" (see fetcher.fetch.interface), to which [polite] applies '
            "by each URL's host, except that it must read robots.txt itself",
            pattern=r"^(curl|null|[\w.]+:\w+)\Z",
            kind="curl, null or module:factory",
        ),
    ] = "curl"
    handler: Annotated[
        Factory,
        _about(
            "your module:function, called with each finished line; the dict that it "
            "returns is the row's `extra`"
        ),
    ] = ""
    handler_timeout_s: Annotated[
        Seconds,
        _about(
            "a handler that takes longer is ended, and its row's outcome is `handler`; "
            "one that is stuck in C code is ended with its worker, by worker.watchdog_s"
        ),
    ] = 5.0
    max_body_memory: Annotated[
        int,
        _about(
            "bytes of bodies that one worker process may hold in memory, where they are kept or a "
            "handler gets them, with the copies that are made on their way; while they are used "
            "up, nothing new begins, and all transfers but one pause",
            ge=MIB,
        ),
    ] = 256 * MIB
    max_parked: Annotated[
        int,
        _about(
            "URLs that may wait outside the pool in one worker process, for their host's "
            "turn or for another attempt; with more, it takes no new batches",
            ge=0,
            le=10_000_000,
        ),
    ] = 20_000


class Input(Section, frozen=True, kw_only=True):
    """What a line of the URL file is."""

    format: Annotated[
        Literal["auto", "text", "jsonl", "csv"],
        _about(
            "text: a URL; jsonl: a JSON object with url and maybe method, headers, body, "
            "id; csv: a record, the file's first line names the columns; auto: by the file's name "
            "(.jsonl, .ndjson, .csv, .tsv, also with .gz behind; else text)"
        ),
    ] = "auto"
    url_column: Annotated[str, _about("csv: the column that holds the URL", min_length=1)] = "url"
    keep_columns: Annotated[
        bool,
        _about(
            "csv: all columns but those of the URL, method and id come back in the row; decided "
            "when a job begins, and kept when it resumes"
        ),
    ] = True


class Http(Section, frozen=True, kw_only=True):
    """One fetch, and its limits."""

    connect_timeout_s: Annotated[Seconds, _about("to connect, TLS included")] = 10.0
    total_timeout_s: Annotated[
        Seconds,
        _about(
            "hard limit on one attempt, redirects and all, from start to last byte; "
            "waiting for the host's turn does not count"
        ),
    ] = 60.0
    low_speed_s: Annotated[
        Seconds,
        _about("a server slower than http.low_speed_bytes_s for so long is given up"),
    ] = 20.0
    low_speed_bytes_s: Annotated[int, _about("bytes a second; 1: silence only", ge=1)] = 1
    max_body_bytes: Annotated[int, _about("largest body, decoded", ge=0)] = 10 * MIB
    max_wire_bytes: Annotated[int, _about("largest body, as received", ge=0)] = 10 * MIB
    max_ratio: Annotated[
        int, _about("decoded size over received size, beyond 1 MiB decoded", ge=1)
    ] = 1000
    max_headers: Annotated[int, _about("header lines of one response", ge=1, le=10_000)] = 1000
    max_header_bytes: Annotated[
        int, _about("all headers of one exchange together", ge=1024, le=290 * 1024)
    ] = 128 * 1024
    max_redirects: Annotated[int, _about("redirects followed for one URL", ge=0, le=100)] = 10
    redirect_body_bytes: Annotated[
        int, _about("of a redirect's body: read, to use the connection again", ge=0)
    ] = 16 * 1024
    cross_origin_bodies: Annotated[
        bool,
        _about(
            "a redirect with status 307 or 308 to another scheme, host or port takes the request's "
            "body along; false: such a line ends as blocked"
        ),
    ] = True
    max_url_bytes: Annotated[
        int,
        _about(
            "longest URL, in UTF-8 bytes, both as it is given and as it is sent", ge=16, le=32_768
        ),
    ] = 8192
    user_agent: Annotated[
        str,
        _about(
            "sent with each request; say here who you are and how to reach you",
            min_length=1,
            pattern=r"^[\x20-\x7e]+\Z",
            kind="a text of printable ASCII",
        ),
    ] = "fetcher/0.1 (bulk URL fetcher)"
    headers: Annotated[
        Headers,
        _about(
            "sent with each request, in this order, as UTF-8; a line's own headers "
            'replace those of the same name; for example ["Accept: */*"]'
        ),
    ] = ()
    auth: Annotated[
        Factory,
        _about(
            "your module:name, called without arguments, gives a requests auth object "
            "that is applied to each URL's first host"
        ),
    ] = ""
    cookies_file: Annotated[
        str, _about("cookies in the browsers' cookies.txt format, sent where they belong")
    ] = ""
    http2: Annotated[bool, _about("speak HTTP/2 where an https server offers it")] = True
    max_connections: Annotated[
        int,
        _about(
            "connections kept open for reuse in one worker process; 0: as many as worker.pool_size",
            ge=0,
            le=100_000,
        ),
    ] = 0
    connection_age_s: Annotated[
        Seconds, _about("a connection unused for longer is not used again")
    ] = 60.0
    proxy: Annotated[
        str,
        _about(
            "all requests go through it, and it looks up their hosts; the environment's "
            "proxies are never used",
            pattern=r"^((http|https|socks5h)://([^\s/@]+@)?([^\s/:@\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}/?)?\Z",
            kind='http, https or socks5h://HOST:PORT, or ""',
        ),
    ] = ""
    ip_version: Annotated[Literal["any", "4", "6"], _about("addresses that are used")] = "any"
    verify_tls: Annotated[bool, _about("check servers' certificates")] = True
    ca_file: Annotated[str, _about("trusted authorities (PEM); empty: the certifi bundle")] = ""
    client_cert: Annotated[str, _about("client certificate (PEM), with its key or client_key")] = ""
    client_key: Annotated[str, _about("the client certificate's key (PEM)")] = ""


class Dns(Section, frozen=True, kw_only=True):
    """How host names are resolved."""

    servers: Annotated[Addresses, _about("name servers; empty: those of this machine")] = ()
    timeout_s: Annotated[Seconds, _about("one question to one server")] = 3.0
    tries: Annotated[int, _about("rounds of questions", ge=1, le=10)] = 3
    cache_s: Annotated[Seconds, _about("an answer is used for so long")] = 300.0
    negative_s: Annotated[Seconds, _about('"no such name", or no answer, is believed so long')] = (
        30.0
    )
    cache_names: Annotated[int, _about("names kept in one worker process", ge=1)] = 50_000

    def __post_init__(self) -> None:
        for server in self.servers:
            parse_server(server)


class Guard(Section, frozen=True, kw_only=True):
    """Which addresses may be connected to: the public internet, and what is opened here."""

    allow: Annotated[
        Networks,
        _about('private or special networks to open, such as ["127.0.0.0/8", "::1/128"]'),
    ] = ()

    def __post_init__(self) -> None:
        for network in self.allow:
            ipaddress.ip_network(network)


class Polite(Section, frozen=True, kw_only=True):
    """What one host has to bear, from all workers of the job together."""

    enabled: Annotated[bool, _about("false: as fast as they can, for your own servers")] = True
    per_host: Annotated[int, _about("requests to one host at once", ge=1, le=10_000)] = 2
    delay_s: Annotated[
        float,
        _about("least time from one request to a host to its next", ge=0, le=86_400),
    ] = 0.2
    retry_after_max_s: Annotated[
        Seconds,
        _about("longest rest that a Retry-After (429, 503) gives a host, and longest Crawl-delay"),
    ] = 300.0
    rest_s: Annotated[Seconds, _about("rest after a 429 or 503 without Retry-After")] = 10.0
    circuit_failures: Annotated[
        int,
        _about(
            "after so many failures in a row (dns, connect, tls, timeout) a host is given "
            "up for a while, its URLs get rows at once; 0: never",
            ge=0,
        ),
    ] = 10
    circuit_s: Annotated[Seconds, _about("… for so long; then one URL tries again")] = 60.0
    robots: Annotated[
        bool, _about("obey robots.txt, Crawl-delay included; needs polite.enabled")
    ] = False
    robots_cache_s: Annotated[Seconds, _about("a robots.txt is used for so long")] = 3600.0


class Retry(Section, frozen=True, kw_only=True):
    """What is tried again."""

    attempts: Annotated[int, _about("at one URL, the first included", ge=1, le=100)] = 3
    backoff_s: Annotated[Seconds, _about("before the second; doubles each time, with jitter")] = 1.0
    backoff_max_s: Annotated[Seconds, _about("longest wait between attempts")] = 60.0
    outcomes: Annotated[Failures, _about("failures tried again (dns has dns.tries of its own)")] = (
        "connect",
        "timeout",
    )
    statuses: Annotated[Statuses, _about("statuses tried again")] = (429, 502, 503, 504)
    methods: Annotated[
        Literal["idempotent", "all"],
        _about("idempotent: never send a POST or PATCH twice"),
    ] = "idempotent"


class Output(Section, frozen=True, kw_only=True):
    """What is written: decided when a job begins, and kept when it resumes."""

    rows: Annotated[
        Literal["jsonl", "msgpack"],
        _about("a JSON object a line, or one msgpack map after another"),
    ] = "jsonl"
    compression: Annotated[
        Literal["none", "zstd"], _about("of the rows; zstd: a frame for each commit")
    ] = "none"
    bodies: Annotated[
        Literal["none", "inline", "files", "warc"],
        _about(
            "where bodies are kept, also cut ones: in the row (text as text, else base64), in "
            "files named by their sha256 and type, or in WARC files with requests, redirects and "
            "headers"
        ),
    ] = "none"
    warc_dedupe: Annotated[
        bool,
        _about(
            "write a body that the WARC files already have as a revisit record, which refers to "
            "the record with the body"
        ),
    ] = False


class Sink(Section, frozen=True, kw_only=True):
    """Where rows become durable."""

    commit_interval_s: Annotated[
        Seconds, _about("rows are committed (fsync, journal) at least this often")
    ] = 0.1
    commit_bytes: Annotated[int, _about("… or when so many bytes are waiting", ge=1)] = 8 * MIB
    segment_bytes: Annotated[
        int, _about("a results file this large is followed by a new one", ge=1)
    ] = 1024 * MIB


class Lease(Section, frozen=True, kw_only=True):
    """When lines are handed out again."""

    silent_s: Annotated[Seconds, _about("a worker unheard of for so long counts as dead")] = 5.0
    sink_silent_s: Annotated[
        Seconds, _about("a sink unheard of for so long freezes handing out and leases")
    ] = 3.0
    unclaimed_s: Annotated[
        Seconds, _about("a batch that no worker took in this time is sent again")
    ] = 90.0
    finished_s: Annotated[
        Seconds,
        _about("rows not committed so long after they were sent are fetched again"),
    ] = 10.0
    stall_s: Annotated[
        Seconds,
        _about(
            "a batch with a fetch in flight for so long is taken from its worker; at least twice "
            "what http.total_timeout_s and worker.handler_timeout_s allow"
        ),
    ] = 150.0
    tail_after_s: Annotated[
        Seconds,
        _about(
            "at the end: lines in flight for so long are also given to another worker, "
            "unless they are in their host's turn (see [polite])"
        ),
    ] = 20.0
    poison_deaths: Annotated[
        int,
        _about("workers that a line alone must end to be given up as crashed", ge=1, le=100),
    ] = 3
    ahead: Annotated[int, _about("batches per worker sent ahead of demand", ge=1, le=100)] = 2


class Endpoints(Section, frozen=True, kw_only=True):
    """Where the roles meet when they run on separate hosts (`fetcher run` uses private sockets)."""

    ventilator: Annotated[
        Endpoint, _about("tasks; events and control are on the next two ports")
    ] = "tcp://127.0.0.1:5700"
    sink: Annotated[
        SinkClients,
        _about(
            "results; commits are on the next port; of several sinks, each gets every "
            "n-th batch, and has an OUT of its own"
        ),
    ] = ("tcp://127.0.0.1:5710",)

    def __post_init__(self) -> None:
        _check_endpoint(self.ventilator)
        _check_sinks(self.sink)


class Keys(Section, frozen=True, kw_only=True):
    """Who is who when the roles run on separate hosts (`fetcher keys init` makes the keys)."""

    dir: Annotated[
        str,
        _about("the folder with this role's CURVE keys; empty: none, and loopback only"),
    ] = ""


class Log(Section, frozen=True, kw_only=True):
    """What is told on stderr."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _about("least important kind of log line that is shown"),
    ] = "warning"
    format: Annotated[
        Literal["text", "json"],
        _about("json: one JSON object a line (ts, level, role, worker, message, …)"),
    ] = "text"
    progress_interval_s: Annotated[
        Seconds, _about("seconds between progress lines when stderr is not a terminal")
    ] = 10.0


class Metrics(Section, frozen=True, kw_only=True):
    """Numbers for Prometheus at /metrics and a health check at /healthz, on a port of each role."""

    host: Annotated[
        str,
        _about(
            "address that is listened on; whoever reaches it may read the numbers",
            pattern=r"^[^\s/]+\Z",
            kind="an address or host name of this machine",
        ),
    ] = "127.0.0.1"
    ventilator_port: Annotated[int, _about("of the ventilator; 0: none", ge=0, le=65_535)] = 0
    sink_port: Annotated[
        int,
        _about("of the first sink, the next one has the next; 0: none", ge=0, le=65_535),
    ] = 0
    worker_port: Annotated[
        int,
        _about(
            "of a host's first worker process, the next one has the next; 0: none", ge=0, le=65_535
        ),
    ] = 0


class Monitor(Section, frozen=True, kw_only=True):
    """A live page of the job, with pause, resume and stop: on a port of the ventilator."""

    http: Annotated[int, _about("port of the page; 0: none", ge=0, le=65_535)] = 0
    host: Annotated[
        str,
        _about(
            "address that is listened on; beyond loopback only with a token",
            pattern=r"^[^\s/]+\Z",
            kind="an address or host name of this machine",
        ),
    ] = "127.0.0.1"
    names: Annotated[
        Names,
        _about(
            "names in a URL that lead to the page, such as a proxy's; this machine's own always do"
        ),
    ] = ()
    token: Annotated[
        str,
        _about(
            "whoever has it may see and steer the job; none: whoever reaches the port may",
            pattern=r"^([!-~]{16,200})?\Z",
            kind='16 to 200 visible ASCII characters, or ""',
        ),
    ] = ""


class Settings(Section, frozen=True, kw_only=True):
    """All settings, by section."""

    job: Job = Job()
    input: Input = Input()
    worker: Worker = Worker()
    http: Http = Http()
    dns: Dns = Dns()
    guard: Guard = Guard()
    polite: Polite = Polite()
    retry: Retry = Retry()
    output: Output = Output()
    sink: Sink = Sink()
    lease: Lease = Lease()
    endpoints: Endpoints = Endpoints()
    keys: Keys = Keys()
    log: Log = Log()
    metrics: Metrics = Metrics()
    monitor: Monitor = Monitor()

    @property
    def longest_step_s(self) -> float:
        """The longest that one attempt and the handler's call after it may take."""
        return self.http.total_timeout_s + bool(self.worker.handler) * self.worker.handler_timeout_s
