"""Measures one role alone: a real process, with the benchmark as all of its peers.

The role is started as the supervisor starts it, over private ipc sockets, on its own core. The
benchmark must not be the limit, so it reports how busy it was.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import msgspec
import zmq

from fetcher import __version__
from fetcher.engines.private import private_directory
from fetcher.engines.supervisor import PATCHED, PLAIN
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import codec, messages
from fetcher.roles.spec import RoleSpec
from fetcher.roles.ventilator.sink_rpc import SinkRpc
from fetcher.security import keyring
from fetcher.security.curve import Curve
from fetcher.security.policy import NO_KEYS
from fetcher.settings.schema import Settings
from fetcher.transport.endpoints import Endpoints, endpoints_of
from fetcher.transport.sockets import Channel, open_socket
from tools.bench.feeder import WORKER, tasks_of
from tools.bench.figures import Sample, sample
from tools.bench.processes import Fleet, cores, cpu_s

_ASK_S = 0.05
_SESSION = "bench"


class Figure(NamedTuple):
    """The figures of one run: rate, and CPU microseconds per row of the role and of its peer."""

    rows_per_s: float
    role_us: float
    peer_us: float


def _figure(count: int, took_s: float, role_cpu_s: float, peer_cpu_s: float) -> Figure:
    return Figure(count / took_s, role_cpu_s / count * 1e6, peer_cpu_s / count * 1e6)


def rows_of(figures: Sequence[Figure]) -> dict[str, Sample]:
    """The figures of all runs."""
    return {
        "rows_per_s": sample(figure.rows_per_s for figure in figures),
        "cpu_us": sample(figure.role_us for figure in figures),
        "peer_cpu_us": sample(figure.peer_us for figure in figures),
    }


class Stage(NamedTuple):
    """A running role, and what its peers need to talk with it."""

    fleet: Fleet
    context: zmq.Context[Any]
    addresses: Endpoints
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def _role(
    role: str, settings: Settings, out: Path, sink: str = "", folder: str = ""
) -> Iterator[Stage]:
    """The role's process, pinned to the first core, and a context for its peers' sockets.

    `sink`: its endpoint, where it is not a private one; `folder`: of the role's keys.
    """
    context: zmq.Context[Any] = zmq.Context()
    with private_directory() as directory, Fleet() as fleet:
        spec = RoleSpec(
            role=role,
            name=WORKER if role == "worker" else role,
            settings=settings,
            ventilator=f"ipc://{directory}/v",
            sinks=(sink or f"ipc://{directory}/s",),
            keys=folder,
            session=_SESSION,
            out=str(out),
        )
        path = directory / f"{role}.json"
        path.write_bytes(msgspec.json.encode(spec))
        module = PATCHED if role == "worker" else PLAIN
        process = fleet.start("-m", module, path, core=cores()[0], piped=True)
        try:
            yield Stage(fleet, context, endpoints_of(spec.ventilator, spec.sinks), process)
            # While its peers are there, so that it does not linger for them.
            fleet.end(process)
        finally:
            context.destroy(linger=0)


# -- the sink --------------------------------------------------------------------------------


def sink_alone(
    out: Path,
    settings: Settings,
    count: int,
    batch_size: int,
    limit_s: float,
    *,
    sink: str = "",
    folder: Path | None = None,
) -> Figure:
    """Rows from a feeder's socket into committed JSON lines, until the sink says: all of them.

    `sink`: its endpoint, where it is not a private one; `folder`: of the keys of all roles.
    """
    keys_of = {role: str(folder / role) if folder else "" for role in ("sink", "workers/bench")}
    security = Curve(keyring.load(folder / "ventilator", keyring.VENTILATOR)) if folder else NO_KEYS
    with _role("sink", settings, out, sink, keys_of["sink"]) as stage:
        commits = stage.addresses.sinks[0].commits
        link = SinkRpc(stage.context, commits, time.monotonic(), security)
        source = SourceInfo(60 * count, "0" * 64, count, True, 1.0)
        opened = _ask(link, _open(source, batch_size), limit_s)
        assert isinstance(opened, messages.Opened), opened
        feeder = stage.fleet.start(
            *("-m", "tools.bench.feeder", stage.addresses.sinks[0].results, opened.job),
            *(opened.key.hex(), count, batch_size, settings.worker.chunk_rows),
            keys_of["workers/bench"],
            core=cores()[1],
            piped=True,
        )
        assert feeder.stdin is not None
        assert feeder.stdout is not None
        feeder.stdout.readline()
        poll = messages.Poll(
            session=_SESSION, epoch=opened.epoch, version=0, source=source, url_lines=count
        )
        before = cpu_s(stage.process.pid), cpu_s(feeder.pid)
        began = time.monotonic()
        feeder.stdin.write(b"go\n")
        feeder.stdin.flush()
        while True:
            news = _ask(link, poll, limit_s)
            assert isinstance(news, messages.Committed), news
            if news.complete:
                break
            if time.monotonic() - began > limit_s:
                raise TimeoutError("the sink did not commit everything in time")
            poll = msgspec.structs.replace(poll, version=news.version)
            time.sleep(_ASK_S)
        took_s = time.monotonic() - began
        spent = cpu_s(stage.process.pid) - before[0], cpu_s(feeder.pid) - before[1]
        _ask(link, messages.Close(session=_SESSION), limit_s)
    return _figure(count, took_s, *spent)


def _open(source: SourceInfo, batch_size: int) -> messages.Open:
    spec = messages.InputSpec(
        name="list", path="/list", file_bytes=source.checked_bytes, source=source
    )
    return messages.Open(
        session=_SESSION, input=spec, batch_size=batch_size, settings={}, version=__version__
    )


def _ask(link: SinkRpc, request: messages.AnyMessage, limit_s: float) -> messages.AnyMessage:
    until = time.monotonic() + limit_s
    while (now := time.monotonic()) < until:
        if link.may_ask(now, 0.0):
            link.ask(request, now)
        link.socket.poll(100)
        answer = link.answer(now)
        if answer is not None:
            return answer
    raise TimeoutError("the sink does not answer")


# -- the worker ------------------------------------------------------------------------------


def worker_alone(settings: Settings, count: int, batch_size: int, limit_s: float) -> Figure:
    """URLs from tasks into rows on the results' socket, with the null transport."""
    batches = range(-(-count // batch_size))
    tasks_frames = [codec.encode(*tasks_of("job", batch, batch_size, count)) for batch in batches]
    tasks_frames.reverse()
    with _role("worker", settings, Path()) as stage:
        context, addresses = stage.context, stage.addresses
        tasks = open_socket(context, zmq.PUSH, Channel.TASKS, addresses.tasks, bind=True)
        events = open_socket(context, zmq.PULL, Channel.EVENTS, addresses.events, bind=True)
        _control = open_socket(context, zmq.PUB, Channel.CONTROL, addresses.control, bind=True)
        results = open_socket(
            context, zmq.PULL, Channel.RESULTS, addresses.sinks[0].results, bind=True
        )
        if not events.poll(int(limit_s * 1000)):
            raise TimeoutError("the worker does not report")
        time.sleep(0.3)  # for the last of its sockets to have joined
        before = cpu_s(stage.process.pid), time.process_time()
        began = time.monotonic()
        rows = unclaimed = 0
        while rows < count:
            if time.monotonic() - began > limit_s:
                raise TimeoutError(f"the worker did {rows} of {count} lines in time")
            # As a ventilator does: what is beyond a worker's room would be returned.
            while (
                tasks_frames and unclaimed < settings.lease.ahead and _sent(tasks, tasks_frames[-1])
            ):
                tasks_frames.pop()
                unclaimed += 1
            while frames := _received(events):
                unclaimed -= isinstance(codec.decode(frames)[0], messages.Claim)
            while frames := _received(results):
                rows += len(msgpack.unpackb(frames[0][1:])["lines"])
            may_send = tasks_frames and unclaimed < settings.lease.ahead
            _wait(tasks if may_send else None, events, results)
        took_s = time.monotonic() - began
        spent = cpu_s(stage.process.pid) - before[0], time.process_time() - before[1]
    return _figure(count, took_s, *spent)


def _sent(socket: Any, frames: list[bytes]) -> bool:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def _received(socket: Any) -> list[bytes] | None:
    try:
        frames: list[bytes] = socket.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None
    return frames


def _wait(tasks: Any | None, *sockets: Any) -> None:
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    if tasks is not None:
        poller.register(tasks, zmq.POLLOUT)
    poller.poll(100)
