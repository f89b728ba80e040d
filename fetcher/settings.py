"""One declaration per setting: its default, its check, its help.

Law: a setting is declared here and nowhere else. What a check cannot say by its bounds, its `kind`
says in words, for people (see config.allowed).
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MIB: Final = 1024 * 1024
MAX_SINKS: Final = 64

Seconds = Annotated[float, Field(gt=0, le=86_400)]


def _split(value: Any) -> Any:
    """A list may be given as one text with commas, as it is easier in a shell."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        ipaddress.ip_network(value)
    return values


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


def _name_servers(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        parse_server(value)
    return values


def _endpoint(value: str) -> str:
    _, _, port = value.rpartition(":")
    # The next two must be ports, too; libzmq would take a larger number modulo 65536.
    if value.startswith("tcp:") and not 0 < int(port) < 65_534:
        raise ValueError("no valid port")
    return value


def _sinks(values: tuple[str, ...]) -> tuple[str, ...]:
    taken: set[str] = set()
    for value in values:
        base, _, port = value.rpartition(":")
        both = {value, f"{base}:{int(port) + 1}" if port.isdigit() else f"{value}.1"}
        if both & taken:
            raise ValueError("two sinks at one address")
        taken |= both
    if not 1 <= len(values) <= MAX_SINKS:
        raise ValueError("too few or too many")
    return values


def _kind(kind: str) -> Any:
    return Field(json_schema_extra={"kind": kind})


_HEADER: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x1f\x7f]*$"
_Header = Annotated[str, Field(pattern=_HEADER)]
_Failure = Literal["dns", "connect", "tls", "timeout", "protocol"]
_Status = Annotated[int, Field(ge=400, le=599)]
_List = BeforeValidator(_split)

Networks = Annotated[
    tuple[str, ...],
    _List,
    AfterValidator(_networks),
    _kind('a list of networks such as "10.0.0.0/8"'),
]
Addresses = Annotated[
    tuple[str, ...],
    _List,
    AfterValidator(_name_servers),
    _kind("a list of IP addresses, with :PORT where it is not 53"),
]
Headers = Annotated[tuple[_Header, ...], _List, _kind('a list of texts "Name: value"')]
Failures = Annotated[
    tuple[_Failure, ...], _List, _kind("a list of dns, connect, tls, timeout, protocol")
]
Statuses = Annotated[tuple[_Status, ...], _List, _kind("a list of statuses from 400 to 599")]
Factory = Annotated[
    str,
    Field(pattern=r"^([\w.]+:\w+)?$", json_schema_extra={"kind": 'module:name, or ""'}),
]
Names = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^\s/:]+$")], ...], _List, _kind("a list of host names")
]
_ENDPOINT: Final = r"^(tcp://([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|ipc:///\S+)$"
Endpoint = Annotated[
    str,
    Field(pattern=_ENDPOINT),
    AfterValidator(_endpoint),
    _kind("tcp://HOST:PORT or ipc:///PATH, with the next two ports free, too"),
]
Sinks = Annotated[
    tuple[Annotated[str, Field(pattern=_ENDPOINT), AfterValidator(_endpoint)], ...],
    _List,
    AfterValidator(_sinks),
    _kind("1 to 64 of tcp://HOST:PORT or ipc:///PATH, each with the next port free, too"),
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Job(Section):
    """What is handed out."""

    batch_size: int = Field(
        200, ge=1, le=10_000, description="physical lines of the URL file in one batch"
    )


class Worker(Section):
    """The processes that fetch."""

    processes: int = Field(0, ge=0, le=1024, description="worker processes; 0: one per core")
    pool_size: int = Field(
        256, ge=1, le=20_000, description="fetches in flight at once in one worker process"
    )
    chunk_rows: int = Field(
        256, ge=1, le=10_000, description="rows of one batch that go to the sink in one message"
    )
    chunk_interval_s: Seconds = Field(
        0.05, description="a finished row waits at most this long for company"
    )
    heartbeat_s: Seconds = Field(1.0, description="a worker says that it lives, this often")
    grace_s: float = Field(
        10.0, ge=0, le=3600, description="at a stop: how long requests in flight may still finish"
    )
    watchdog_s: Seconds = Field(
        30.0, description="a worker whose event loop has stood still for so long is ended"
    )
    standing: bool = Field(
        False,
        description="`fetcher worker` stays when a job is complete, for the next ventilator at "
        "the same address; SIGTERM lets it finish what is in flight and leave",
    )
    transport: str = Field(
        "curl",
        pattern=r"^(curl|null|[\w.]+:\w+)$",
        json_schema_extra={"kind": "curl, null or module:factory"},
        description="what fetches: curl, null (fetches nothing: for measuring the pipeline), "
        'or your own "module:factory" (see fetcher.net.fetch)',
    )
    handler: Factory = Field(
        "",
        description="your module:function, called with each finished line; the dict that it "
        "returns is the row's `extra`",
    )
    handler_timeout_s: Seconds = Field(
        5.0,
        description="a handler that takes longer is ended, and its row's outcome is `handler`; "
        "one that is stuck in C code is ended with its worker, by worker.watchdog_s",
    )
    max_parked: int = Field(
        20_000,
        ge=0,
        le=10_000_000,
        description="URLs that may wait outside the pool in one worker process, for their host's "
        "turn or for another attempt; with more, it takes no new batches",
    )


class Input(Section):
    """What a line of the URL file is."""

    format: Literal["auto", "text", "jsonl", "csv"] = Field(
        "auto",
        description="text: a URL; jsonl: a JSON object with url and maybe method, headers, body, "
        "id; csv: a record, the file's first line names the columns; auto: by the file's name "
        "(.jsonl, .ndjson, .csv, .tsv, also with .gz behind; else text)",
    )
    url_column: str = Field("url", min_length=1, description="csv: the column that holds the URL")
    keep_columns: bool = Field(
        False,
        description="csv: all columns but those of the URL, method and id come back in the row",
    )


class Http(Section):
    """One fetch, and its limits."""

    connect_timeout_s: Seconds = Field(10.0, description="to connect, TLS included")
    total_timeout_s: Seconds = Field(
        60.0,
        description="hard limit on one attempt, redirects and all, from start to last byte; "
        "waiting for the host's turn does not count",
    )
    low_speed_s: Seconds = Field(
        20.0, description="a server slower than http.low_speed_bytes_s for so long is given up"
    )
    low_speed_bytes_s: int = Field(1, ge=1, description="bytes a second; 1: silence only")
    max_body_bytes: int = Field(10 * MIB, ge=0, description="largest body, decoded")
    max_wire_bytes: int = Field(10 * MIB, ge=0, description="largest body, as received")
    max_ratio: int = Field(
        1000, ge=1, description="decoded size over received size, beyond 1 MiB decoded"
    )
    max_headers: int = Field(1000, ge=1, le=10_000, description="header lines of one response")
    max_header_bytes: int = Field(
        128 * 1024, ge=1024, le=290 * 1024, description="all headers of one exchange together"
    )
    max_redirects: int = Field(10, ge=0, le=100, description="redirects followed for one URL")
    redirect_body_bytes: int = Field(
        16 * 1024, ge=0, description="of a redirect's body: read, to use the connection again"
    )
    max_url_bytes: int = Field(8192, ge=16, le=32_768, description="longest URL, in UTF-8 bytes")
    user_agent: str = Field(
        "fetcher/0.1 (bulk URL fetcher)",
        min_length=1,
        pattern=r"^[\x20-\x7e]+$",
        json_schema_extra={"kind": "a text of printable ASCII"},
        description="sent with each request; say here who you are and how to reach you",
    )
    headers: Headers = Field((), description='sent with each request, for example ["Accept: */*"]')
    auth: Factory = Field(
        "",
        description="your module:name, called without arguments, gives a requests auth object "
        "that is applied to each URL's first host",
    )
    cookies_file: str = Field(
        "", description="cookies in the browsers' cookies.txt format, sent where they belong"
    )
    http2: bool = Field(True, description="speak HTTP/2 where an https server offers it")
    max_connections: int = Field(
        0,
        ge=0,
        le=100_000,
        description="connections kept open for reuse in one worker process; 0: as many as "
        "worker.pool_size",
    )
    connection_age_s: Seconds = Field(
        60.0, description="a connection unused for longer is not used again"
    )
    proxy: str = Field(
        "",
        pattern=r"^((http|https|socks5h)://([^\s/@]+@)?([^\s/:@\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}/?)?$",
        json_schema_extra={"kind": 'http, https or socks5h://HOST:PORT, or ""'},
        description="all requests go through it, and it looks up their hosts; the environment's "
        "proxies are never used",
    )
    ip_version: Literal["any", "4", "6"] = Field("any", description="addresses that are used")
    verify_tls: bool = Field(True, description="check servers' certificates")
    ca_file: str = Field("", description="trusted authorities (PEM); empty: the certifi bundle")
    client_cert: str = Field("", description="client certificate (PEM), key included or beside")
    client_key: str = Field("", description="the client certificate's key (PEM)")


class Dns(Section):
    """How host names are resolved."""

    servers: Addresses = Field((), description="name servers; empty: those of this machine")
    timeout_s: Seconds = Field(3.0, description="one question to one server")
    tries: int = Field(3, ge=1, le=10, description="rounds of questions")
    cache_s: Seconds = Field(300.0, description="an answer is used for so long")
    negative_s: Seconds = Field(
        30.0, description='"no such name", or no answer, is believed so long'
    )
    cache_names: int = Field(50_000, ge=1, description="names kept in one worker process")


class Guard(Section):
    """Which addresses may be connected to: the public internet, and what is opened here."""

    allow: Networks = Field(
        (), description='private or special networks to open, such as ["127.0.0.0/8", "::1/128"]'
    )


class Polite(Section):
    """What one host has to bear, from all workers of the job together."""

    enabled: bool = Field(True, description="false: as fast as they can, for your own servers")
    per_host: int = Field(2, ge=1, le=10_000, description="requests to one host at once")
    delay_s: float = Field(
        0.2, ge=0, le=86_400, description="least time from one request to a host to its next"
    )
    retry_after_max_s: Seconds = Field(
        300.0,
        description="longest rest that a Retry-After (429, 503) gives a host, and longest "
        "Crawl-delay",
    )
    rest_s: Seconds = Field(10.0, description="rest after a 429 or 503 without Retry-After")
    circuit_failures: int = Field(
        10,
        ge=0,
        description="after so many failures in a row (dns, connect, tls, timeout) a host is given "
        "up for a while, its URLs get rows at once; 0: never",
    )
    circuit_s: Seconds = Field(60.0, description="… for so long; then one URL tries again")
    robots: bool = Field(False, description="obey robots.txt, Crawl-delay included")
    robots_cache_s: Seconds = Field(3600.0, description="a robots.txt is used for so long")


class Retry(Section):
    """What is tried again."""

    attempts: int = Field(3, ge=1, le=100, description="at one URL, the first included")
    backoff_s: Seconds = Field(1.0, description="before the second; doubles each time, with jitter")
    backoff_max_s: Seconds = Field(60.0, description="longest wait between attempts")
    outcomes: Failures = Field(
        ("connect", "timeout"),
        description="failures tried again (dns has dns.tries of its own)",
    )
    statuses: Statuses = Field((429, 502, 503, 504), description="statuses tried again")
    methods: Literal["idempotent", "all"] = Field(
        "idempotent", description="idempotent: never send a POST or PATCH twice"
    )


class Output(Section):
    """What is written: decided when a job begins, and kept when it resumes."""

    rows: Literal["jsonl", "msgpack"] = Field(
        "jsonl", description="a JSON object a line, or one msgpack map after another"
    )
    compression: Literal["none", "zstd"] = Field(
        "none", description="of the rows; zstd: a frame for each commit"
    )
    bodies: Literal["none", "inline", "files", "warc"] = Field(
        "none",
        description="whole bodies: in the row (text as text, else base64), in files named by their "
        "sha256, or in WARC files with requests, redirects and headers",
    )


class Sink(Section):
    """Where rows become durable."""

    commit_interval_s: Seconds = Field(
        0.1, description="rows are committed (fsync, journal) at least this often"
    )
    commit_bytes: int = Field(8 * MIB, ge=1, description="… or when so many bytes are waiting")
    segment_bytes: int = Field(
        1024 * MIB, ge=1, description="a results file this large is followed by a new one"
    )


class Lease(Section):
    """When lines are handed out again."""

    silent_s: Seconds = Field(5.0, description="a worker unheard of for so long counts as dead")
    sink_silent_s: Seconds = Field(
        3.0, description="a sink unheard of for so long freezes handing out and leases"
    )
    unclaimed_s: Seconds = Field(
        90.0, description="a batch that no worker took in this time is sent again"
    )
    finished_s: Seconds = Field(
        10.0, description="rows not committed so long after they were sent are fetched again"
    )
    stall_s: Seconds = Field(
        150.0, description="a worker must finish some line of each batch it holds in this time"
    )
    tail_after_s: Seconds = Field(
        20.0, description="at the end: lines out for so long are also given to another worker"
    )
    poison_deaths: int = Field(
        3, ge=1, le=100, description="workers that a line alone must end to be given up as crashed"
    )
    ahead: int = Field(2, ge=1, le=100, description="batches per worker sent ahead of demand")


class Endpoints(Section):
    """Where the roles meet when they run on separate hosts (`fetcher run` uses private sockets)."""

    ventilator: Endpoint = Field(
        "tcp://127.0.0.1:5700",
        description="tasks; events and control are on the next two ports",
    )
    sink: Sinks = Field(
        ("tcp://127.0.0.1:5710",),
        description="results; commits are on the next port; of several sinks, each gets every "
        "n-th batch, and has an OUT of its own",
    )


class Keys(Section):
    """Who is who when the roles run on separate hosts (`fetcher keys init` makes the keys)."""

    dir: str = Field(
        "",
        description="the folder with this role's CURVE keys; empty: none, and loopback only",
    )


class Log(Section):
    """What is told on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="least important kind of log line that is shown"
    )
    format: Literal["text", "json"] = Field(
        "text", description="json: one JSON object a line (ts, level, role, worker, message, …)"
    )
    progress_interval_s: Seconds = Field(
        10.0, description="seconds between progress lines when stderr is no terminal"
    )


class Metrics(Section):
    """Numbers for Prometheus at /metrics and a health check at /healthz, on a port of each role."""

    host: str = Field(
        "127.0.0.1",
        pattern=r"^[^\s/]+$",
        json_schema_extra={"kind": "an address or host name of this machine"},
        description="address that is listened on; whoever reaches it may read the numbers",
    )
    ventilator_port: int = Field(0, ge=0, le=65_535, description="of the ventilator; 0: none")
    sink_port: int = Field(
        0, ge=0, le=65_535, description="of the first sink, the next one has the next; 0: none"
    )
    worker_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="of a host's first worker process, the next one has the next; 0: none",
    )


class Monitor(Section):
    """A live page of the job, with pause, resume and stop: on a port of the ventilator."""

    http: int = Field(0, ge=0, le=65_535, description="port of the page; 0: none")
    host: str = Field(
        "127.0.0.1",
        pattern=r"^[^\s/]+$",
        json_schema_extra={"kind": "an address or host name of this machine"},
        description="address that is listened on; beyond loopback only with a token",
    )
    names: Names = Field(
        (), description="names in a URL that lead to the page, beside this machine's own: a proxy's"
    )
    token: str = Field(
        "",
        pattern=r"^([!-~]{16,200})?$",
        json_schema_extra={"kind": '16 to 200 visible ASCII characters, or ""'},
        description="whoever has it may see and steer the job; none: whoever reaches the port may",
    )


class Settings(Section):
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
