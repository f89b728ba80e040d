"""Real roles of a crawl: ventilator and sink as processes, and a scripted worker in a thread."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import zmq

from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.input import formats
from fetcher.model import Outcome, Result
from fetcher.protocol import chunk_frames, codec, links, messages
from fetcher.roles.spec import CHILD_DONE, RoleSpec
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings
from fetcher.store import journal
from fetcher.transport.sockets import Channel, open_socket, receive, send
from support.jobs import ENV, ROOT
from tools.ports import free_ports

Pages = Mapping[str, tuple[Link, ...]]

_BEAT_S = 0.3


class CrawlingWorker(threading.Thread):
    """Finds on each page what `pages` says; an unknown page is not found."""

    def __init__(self, pages: Pages, ventilator_port: int, sink_port: int) -> None:
        super().__init__(daemon=True)
        self.fetched: list[str] = []
        self._pages = pages
        self._ports = ventilator_port, sink_port
        self._ends = threading.Event()

    def run(self) -> None:
        context: zmq.Context[Any] = zmq.Context()
        ventilator, sink = (f"tcp://127.0.0.1:{port}" for port in self._ports)
        event_address = f"tcp://127.0.0.1:{self._ports[0] + 1}"
        tasks = open_socket(context, zmq.PULL, Channel.TASKS, ventilator)
        events = open_socket(context, zmq.PUSH, Channel.EVENTS, event_address)
        results = open_socket(context, zmq.PUSH, Channel.RESULTS, sink)
        beat_at = 0.0
        while not self._ends.is_set():
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + _BEAT_S
                send(events, messages.Heartbeat("w", 1, 0, 0, [], []))
            tasks.poll(50)
            received = receive(tasks)
            if received is not None and isinstance(received[0], messages.Assignment):
                self._fetch(received[0], received[1], events, results)
        context.destroy(linger=0)

    def _fetch(
        self, assignment: messages.Assignment, texts: bytes, events: Any, results: Any
    ) -> None:
        send(events, messages.Claim("w", assignment.lease))
        buffer = LeaseBuffer(assignment, texts, "w", 0)
        for task in buffer.tasks():
            self.fetched.append(task.url)
            page = self._pages.get(task.url)
            outcome, status = (Outcome.OK, 200) if page is not None else (Outcome.HTTP_ERROR, 404)
            result = formats.named(Result(task.line, task.url, outcome, status, worker="w"), task)
            found = links.encode(links.PageLinks(page)) if page else b""
            buffer.finish(result, jsonl.encode(result), links=found)
        chunk = buffer.take_chunk()
        # What a sink that is away does not take is lost, as with a worker that dies.
        if chunk is not None and results.poll(1000, zmq.POLLOUT):
            results.send_multipart(codec.encode(*chunk_frames.chunk_parts(chunk)))
        send(events, messages.Finished("w", assignment.lease))

    def end(self) -> None:
        self._ends.set()
        self.join(60)


class CrawlRoles:
    """Starts and kills the ventilator and the sink of one crawl."""

    def __init__(self, tmp_path: Path, seeds: str, rules: CrawlRules, batch_size: int = 10) -> None:
        self.out = tmp_path / "out"
        self.rules = rules
        self.seeds = tmp_path / "seeds.txt"
        self.seeds.write_text(seeds, "utf-8")
        self.base = free_ports(5)
        self._folder = tmp_path
        self._settings = msgspec.convert(
            {
                "job": {"batch_size": batch_size},
                "lease": {"silent_s": 2, "sink_silent_s": 1, "finished_s": 1.5},
                "sink": {"commit_interval_s": 0.05},
            },
            Settings,
        )
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def start(self, role: str) -> None:
        """Start it, for the first time or again."""
        spec = RoleSpec(
            role=role,
            name=role,
            settings=self._settings,
            ventilator=f"tcp://127.0.0.1:{self.base}",
            sinks=(f"tcp://127.0.0.1:{self.base + 3}",),
            urlfile=str(self.seeds) if role == "ventilator" else "",
            out=str(self.out),
            crawl=self.rules if role == "ventilator" else None,
            has_parent=False,
        )
        path = self._folder / f"{role}.json"
        path.write_bytes(msgspec.json.encode(spec))
        self.processes[role] = subprocess.Popen(
            [sys.executable, "-m", "fetcher.roles.main", str(path)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=ENV,
            text=True,
        )

    def kill(self, role: str) -> None:
        """kill -9."""
        process = self.processes.pop(role)
        process.kill()
        process.communicate()

    def wait(self, role: str, within_s: float = 60) -> None:
        """Wait for its good end."""
        _, error = self.processes[role].communicate(timeout=within_s)
        assert self.processes[role].returncode == CHILD_DONE, error

    @property
    def rows(self) -> int:
        """Committed rows; 0 before the journal is there."""
        with contextlib.suppress(Exception):
            return journal.view(self.out / "journal.sqlite").recovered.totals.rows
        return 0

    @contextlib.contextmanager
    def worker(self, pages: Pages) -> Iterator[CrawlingWorker]:
        """A worker for as long as the block lasts."""
        worker = CrawlingWorker(pages, self.base, self.base + 3)
        worker.start()
        try:
            yield worker
        finally:
            worker.end()

    def close(self) -> None:
        for role in list(self.processes):
            self.kill(role)


@contextlib.contextmanager
def crawling(tmp_path: Path, seeds: str, rules: CrawlRules) -> Iterator[CrawlRoles]:
    """Roles that do not outlive the block; both run."""
    roles = CrawlRoles(tmp_path, seeds, rules)
    try:
        roles.start("sink")
        roles.start("ventilator")
        yield roles
    finally:
        roles.close()
