"""Sections about the processes that fetch, and when lines are handed out again."""

from __future__ import annotations

from typing import Annotated, Literal

from fetcher.settings.value_types import (
    MIB,
    Factory,
    Failures,
    RouteNames,
    Seconds,
    Section,
    Statuses,
    about,
)


class Worker(Section, frozen=True, kw_only=True):
    """The worker processes."""

    processes: Annotated[
        int,
        about(
            "worker processes; 0: one per core, but only one in `fetcher run` if the input has "
            "fewer URL lines than job.batch_size; with an engine, its slots",
            ge=0,
            le=10_000,
        ),
    ] = 0
    pool_size: Annotated[
        int, about("most fetches in flight at once in one worker process", ge=1, le=20_000)
    ] = 256
    chunk_rows: Annotated[
        int,
        about("most rows of one batch in one message to the sink", ge=1, le=10_000),
    ] = 256
    chunk_interval_s: Annotated[
        Seconds, about("a finished row waits at most this long to be sent with others")
    ] = 0.05
    heartbeat_s: Annotated[Seconds, about("interval of a worker's heartbeats")] = 1.0
    grace_s: Annotated[
        float,
        about("at a stop: how long requests in flight may take to finish", ge=0, le=3600),
    ] = 10.0
    watchdog_s: Annotated[
        Seconds, about("a worker whose event loop is blocked for so long is killed")
    ] = 30.0
    standing: Annotated[
        bool,
        about(
            "`fetcher worker` stays when a job is complete and waits for the next ventilator at "
            "the same address; at SIGTERM it finishes the requests in flight and leaves"
        ),
    ] = False
    patience_s: Annotated[
        float,
        about(
            "`fetcher worker` leaves, with exit code 9, after so long without a ventilator; "
            "0: it waits for ever",
            ge=0,
            le=86_400,
        ),
    ] = 0.0
    routes: Annotated[
        RouteNames,
        about(
            "the routes that this host's workers serve, by the names of [[routes]], and default "
            "for all other lines; empty: all"
        ),
    ] = ()
    transport: Annotated[
        str,
        about(
            "the fetcher: curl, null (fetches nothing, to measure the pipeline), or your own "
            '"module:factory" (see fetcher.fetch.interface); [polite] applies to your own by each '
            "URL's host, but it must read robots.txt itself",
            pattern=r"^(curl|null|[\w.]+:\w+)\Z",
            kind="curl, null or module:factory",
        ),
    ] = "curl"
    handler: Annotated[
        Factory,
        about(
            "your module:function, called for each finished line; the dict that it "
            "returns is the row's `extra`"
        ),
    ] = ""
    handler_timeout_s: Annotated[
        Seconds,
        about(
            "a handler that takes longer is interrupted, and its row's outcome is `handler`; "
            "one that is stuck in C code is killed with its worker after worker.watchdog_s"
        ),
    ] = 5.0
    max_body_memory: Annotated[
        int,
        about(
            "bytes of bodies, copies included, that one worker process may hold in memory if "
            "bodies are stored or a handler gets them; while they are used up, no fetch begins, "
            "and all transfers but one pause",
            ge=MIB,
        ),
    ] = 256 * MIB
    max_parked: Annotated[
        int,
        about(
            "URLs that may wait outside the pool in one worker process, for their host's "
            "turn or for another attempt; with more, the worker takes no new batches",
            ge=0,
            le=10_000_000,
        ),
    ] = 20_000


class Lease(Section, frozen=True, kw_only=True):
    """When lines are handed out again."""

    silent_s: Annotated[
        Seconds,
        about(
            "a worker that is not heard for so long is considered dead; at least twice "
            "worker.heartbeat_s"
        ),
    ] = 5.0
    sink_silent_s: Annotated[
        Seconds,
        about(
            "if a sink is not heard for so long, nothing is handed out for it, and leases freeze"
        ),
    ] = 3.0
    unclaimed_s: Annotated[
        Seconds, about("a batch that no worker takes in this time is sent again")
    ] = 90.0
    finished_s: Annotated[
        Seconds,
        about("rows that are not committed so long after they were sent are fetched again"),
    ] = 10.0
    stall_s: Annotated[
        Seconds,
        about(
            "a batch with a fetch in flight for so long is taken from its worker; at least twice "
            "the sum of http.total_timeout_s and worker.handler_timeout_s"
        ),
    ] = 150.0
    tail_after_s: Annotated[
        Seconds,
        about(
            "at the end: lines in flight for so long are also given to a second worker, "
            "unless their host has turns (see [polite])"
        ),
    ] = 20.0
    poison_deaths: Annotated[
        int,
        about(
            "a line that ends so many workers while it is alone gets the outcome crashed",
            ge=1,
            le=100,
        ),
    ] = 3
    ahead: Annotated[
        int, about("batches per worker that are sent ahead of demand", ge=1, le=100)
    ] = 2


class Retry(Section, frozen=True, kw_only=True):
    """Which fetches are tried again, and when."""

    attempts: Annotated[int, about("most attempts per URL, the first included", ge=1, le=100)] = 3
    backoff_s: Annotated[
        Seconds, about("wait before the second attempt; it doubles each time, with jitter")
    ] = 1.0
    backoff_max_s: Annotated[Seconds, about("longest wait between attempts")] = 60.0
    outcomes: Annotated[
        Failures, about("outcomes that are tried again (for dns see also dns.tries)")
    ] = (
        "connect",
        "timeout",
    )
    statuses: Annotated[Statuses, about("HTTP statuses that are tried again")] = (
        429,
        502,
        503,
        504,
    )
    methods: Annotated[
        Literal["idempotent", "all"],
        about("idempotent: never send a POST or PATCH twice"),
    ] = "idempotent"


class Polite(Section, frozen=True, kw_only=True):
    """Limits for each host, over all workers of the job."""

    enabled: Annotated[bool, about("false: no limits, for your own servers")] = True
    per_host: Annotated[int, about("most requests to one host at once", ge=1, le=10_000)] = 2
    delay_s: Annotated[
        float,
        about("least time between the starts of two requests to one host", ge=0, le=86_400),
    ] = 0.2
    retry_after_max_s: Annotated[
        Seconds,
        about("longest pause that a Retry-After (429, 503) causes, and longest Crawl-delay"),
    ] = 300.0
    rest_s: Annotated[Seconds, about("pause for a host after a 429 or 503 without Retry-After")] = (
        10.0
    )
    circuit_failures: Annotated[
        int,
        about(
            "after so many failures in a row (dns, connect, tls, timeout) a host is given "
            "up for a while: its URLs get rows at once; 0: never",
            ge=0,
        ),
    ] = 10
    circuit_s: Annotated[Seconds, about("how long a host is given up; then one URL is tried")] = (
        60.0
    )
    robots: Annotated[
        bool, about("obey robots.txt, Crawl-delay included; needs polite.enabled")
    ] = False
    robots_cache_s: Annotated[Seconds, about("how long a robots.txt is used")] = 3600.0
