"""All settings, by section: each setting is declared once, with its default, check and help.

The sections are declared in the modules `sections_*`; other rooms import them from here. The help
texts also make docs/settings.md and conf/fetcher.toml (see settings.docs). A section's checks run
when a value is converted to it (settings.load), not when its constructor is called.
"""

from __future__ import annotations

from fetcher.settings.sections_crawl import Crawl
from fetcher.settings.sections_engine import Engine
from fetcher.settings.sections_http import Dns, Guard, Http
from fetcher.settings.sections_input import Input, Job, Output, Sink
from fetcher.settings.sections_routes import Route
from fetcher.settings.sections_service import Endpoints, Keys, Log, Metrics, Monitor
from fetcher.settings.sections_worker import Lease, Polite, Retry, Worker
from fetcher.settings.value_types import Section, parse_server

__all__ = [
    "Crawl",
    "Dns",
    "Endpoints",
    "Engine",
    "Guard",
    "Http",
    "Input",
    "Job",
    "Keys",
    "Lease",
    "Log",
    "Metrics",
    "Monitor",
    "Output",
    "Polite",
    "Retry",
    "Route",
    "Section",
    "Settings",
    "Sink",
    "Worker",
    "parse_server",
]


class Settings(Section, frozen=True, kw_only=True):
    """All settings, by section, and the tables of routes."""

    job: Job = Job()
    input: Input = Input()
    crawl: Crawl = Crawl()
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
    engine: Engine = Engine()
    log: Log = Log()
    metrics: Metrics = Metrics()
    monitor: Monitor = Monitor()
    routes: tuple[Route, ...] = ()  # the tables [[routes]]: see settings.sections_routes

    @property
    def longest_step_s(self) -> float:
        """The longest that one attempt and the handler's call after it may take."""
        return self.http.total_timeout_s + bool(self.worker.handler) * self.worker.handler_timeout_s

    @property
    def worker_silent_s(self) -> float:
        """How long a worker must not be heard to be considered dead: one heartbeat may be lost."""
        return max(self.lease.silent_s, 2 * self.worker.heartbeat_s)
