"""Sections about the roles as services: addresses, keys, logs, metrics and the live page."""

from __future__ import annotations

from typing import Annotated, Literal

from fetcher.settings import secrecy
from fetcher.settings.value_types import (
    Endpoint,
    Names,
    Seconds,
    Section,
    SinkEndpoints,
    about,
    check_endpoint,
    check_sinks,
)


class Endpoints(Section, frozen=True, kw_only=True):
    """Addresses of the roles if they run on separate hosts (`fetcher run` uses private sockets)."""

    ventilator: Annotated[
        Endpoint, about("address for tasks; events and control use the next two ports")
    ] = "tcp://127.0.0.1:5700"
    sink: Annotated[
        SinkEndpoints,
        about(
            "address for results; commits use the next port; several sinks share the batches, "
            "and each has its own OUT"
        ),
    ] = ("tcp://127.0.0.1:5710",)

    def __post_init__(self) -> None:
        check_endpoint(self.ventilator)
        check_sinks(self.sink)


class Keys(Section, frozen=True, kw_only=True):
    """Keys of the roles if they run on separate hosts (`fetcher keys init` makes them)."""

    dir: Annotated[
        str,
        about("folder with this role's CURVE keys; empty: no keys, and loopback only"),
    ] = ""


class Log(Section, frozen=True, kw_only=True):
    """Log and progress lines on stderr."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        about("lowest level of log lines that are shown"),
    ] = "warning"
    format: Annotated[
        Literal["text", "json"],
        about("json: one JSON object per line (ts, level, role, worker, message, …)"),
    ] = "text"
    progress_interval_s: Annotated[
        Seconds, about("time between progress lines if stderr is not a terminal")
    ] = 10.0


class Metrics(Section, frozen=True, kw_only=True):
    """Metrics for Prometheus at /metrics and a health check at /healthz, on a port of each role."""

    host: Annotated[
        str,
        about(
            "address to listen on; whoever reaches it may read the metrics",
            pattern=r"^[^\s/]+\Z",
            kind="an address or host name of this machine",
        ),
    ] = "127.0.0.1"
    ventilator_port: Annotated[int, about("port of the ventilator; 0: none", ge=0, le=65_535)] = 0
    sink_port: Annotated[
        int,
        about(
            "port of the first sink, each further sink has the next port; 0: none", ge=0, le=65_535
        ),
    ] = 0
    worker_port: Annotated[
        int,
        about(
            "port of a host's first worker process, each further one has the next port; 0: none",
            ge=0,
            le=65_535,
        ),
    ] = 0


class Monitor(Section, frozen=True, kw_only=True):
    """A live page of the job, with pause, resume and stop, on a port of the ventilator."""

    http: Annotated[int, about("port of the page; 0: none", ge=0, le=65_535)] = 0
    host: Annotated[
        str,
        about(
            "address to listen on; beyond loopback only with a token",
            pattern=r"^[^\s/]+\Z",
            kind="an address or host name of this machine",
        ),
    ] = "127.0.0.1"
    names: Annotated[
        Names,
        about("further host names under which the page is reached, such as a proxy's"),
    ] = ()
    token: Annotated[
        str,
        about(
            "secret that allows to see and control the job; empty: whoever reaches the port may",
            pattern=r"^([!-~]{16,200})?\Z",
            kind='16 to 200 visible ASCII characters, or ""',
            hide=secrecy.all_of,
        ),
    ] = ""
