"""The faults: what is done to a running job, and what must be true of the job afterwards.

A fault acts on a cluster whose job is well under way, and returns its measurements in words. After
every fault the job must end with one row per line; a fault may check more.
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zmq

from fetcher.errors import Exit
from tools.faults.cluster import Cluster, FaultError, Role, shares
from tools.faults.proxy import ProxyThread
from tools.faults.shim import Shim
from tools.fuzz.mutate import Mutator

CUT_S: Final = 10.0
BLACK_HOLE_S: Final = 30.0  # longer than peers need to notice it
_FROZEN_S: Final = 12.0  # lease.silent_s is 5
_BEGIN: Final = 0.15  # of the lines are committed when a fault begins
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Scene:
    """The cluster and the shim that a fault may use."""

    cluster: Cluster
    shim: Shim


Act = Callable[[Scene], str]


@dataclass(frozen=True)
class Fault:
    """A row of the table."""

    name: str
    what: str
    act: Act
    lines: int = 8_000
    workers: int = 2
    most_refetched: float = 0.05  # of the lines; more is a storm
    settings: tuple[str, ...] = ()
    prepare: Act | None = None  # before the roles are started
    small_disk: bool = False
    pad_bytes: int = 0
    within_s: float = 150.0  # from the fault's end to the job's


def _nothing(_scene: Scene) -> str:
    return ""


def _break(kind: str, one: str, other: str, seconds: float) -> Act:
    def act(scene: Scene) -> str:
        network = scene.cluster.network
        getattr(network, kind)(one, other)
        time.sleep(seconds)
        before = scene.cluster.committed()
        network.heal(one, other)
        if before == scene.cluster.lines:
            return "the job had ended before it was healed"
        took_s = scene.cluster.until_more(before, 60, "rows after it was healed")
        return f"the next commit came {took_s:.1f} s after it was healed"

    return act


def _resets(scene: Scene) -> str:
    pairs = (("ventilator", "sink"), ("worker1", "sink"), ("worker1", "ventilator"))
    count = 0
    for _ in range(10):
        for one, other in pairs:
            count += scene.cluster.network.reset(one, other)
        time.sleep(0.5)
    if not count:
        raise FaultError("no connection was there to be reset")
    return f"{count} connections were reset"


class _MidMessage:
    """A proxy before the sink that resets connections within a message."""

    CONNECTIONS: Final = 30

    def prepare(self, scene: Scene) -> str:
        network = scene.cluster.network
        self._proxy = ProxyThread()
        ours, sink = (network.ours, 5710), (network.address("sink"), 5710)
        self._link = self._proxy.link(ours, sink)
        # Rows of a few hundred bytes, a few dozen in a message: hardly ever at its end.
        self._proxy.call(lambda: self._link.reset_after([20_011 + 97 * n for n in range(30)]))
        scene.cluster.sink_for_workers = ours
        return ""

    def act(self, scene: Scene) -> str:
        scene.cluster.until(lambda: self._link.resets >= 10, 60, "ten resets")
        scene.cluster.finish(150)
        count = self._link.resets
        self._proxy.close()
        return f"{count} connections were reset in the middle of a message"


def _frozen_worker(scene: Scene) -> str:
    worker = scene.cluster.roles["worker1"]
    worker.signal(signal.SIGSTOP, children=True)
    time.sleep(_FROZEN_S)
    worker.signal(signal.SIGCONT, children=True)
    return f"frozen for {_FROZEN_S:.0f} s"


def _killed(worker_of: Callable[[Role], None]) -> Act:
    def act(scene: Scene) -> str:
        cluster = scene.cluster
        before = cluster.hits()
        worker_of(cluster.roles["worker1"])
        began = time.monotonic()
        again: dict[str, float] = {}
        while time.monotonic() - began < 12:
            now_s = time.monotonic() - began
            for target, count in cluster.hits().items():
                if count > before.get(target, 1) and target not in again:
                    again[target] = now_s
            time.sleep(0.05)
        if not again:
            return "it had nothing in flight"
        times = sorted(again.values())
        return (
            f"its lines were asked for elsewhere {times[0]:.1f} to {times[-1]:.1f} s after the "
            f"kill (median {statistics.median(times):.1f}, {len(times)} lines)"
        )

    return act


def _kill_process(worker: Role) -> None:
    worker.signal(signal.SIGKILL, children=True)


def _killed_role(name: str) -> Act:
    def act(scene: Scene) -> str:
        cluster = scene.cluster
        for _ in range(3):
            cluster.roles[name].kill()
            time.sleep(1.0)
            before = cluster.committed()
            cluster.start(name)
            cluster.until_more(before, 60, "rows again")
        return "three times"

    return act


def _late_joiners(scene: Scene) -> str:
    cluster = scene.cluster
    before = cluster.committed()
    for number in (2, 3, 4):
        cluster.start(f"worker{number}")
    cluster.until_more(before + 500, 60, "rows")
    cluster.finish(150)
    counts = sorted(shares(cluster.out).values(), reverse=True)
    rest = sum(counts) - before
    late = [count / rest for count in counts[1:]]
    if len(counts) != 4 or min(late) < 0.15:
        raise FaultError(f"the late joiners made {late} of the rows since they came")
    said = ", ".join(f"{share:.0%}" for share in late)
    return f"three came after {before} rows and made {said} of those since (fair: 25% each)"


def _leave(scene: Scene) -> str:
    cluster = scene.cluster
    worker = cluster.roles["worker1"]
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    cluster.until_gone(worker, 30)
    took_s = time.monotonic() - began
    if worker.process.returncode != 0:
        raise FaultError(f"it left with exit code {worker.process.returncode}")
    cluster.finish(150)
    return f"it left within {took_s:.1f} s, exit code 0"


def _prepare_straggler(scene: Scene) -> str:
    scene.cluster.settings_of["worker1"] = ["worker.pool_size=1"]
    return ""


def _straggler(scene: Scene) -> str:
    """One fetch at a time instead of 32, and stopped four fifths of the time."""
    cluster = scene.cluster
    worker, others = cluster.roles["worker1"], cluster.roles["sink"]
    end = time.monotonic() + 200
    while others.alive and worker.alive and time.monotonic() < end:
        worker.signal(signal.SIGSTOP, children=True)
        time.sleep(0.4)
        worker.signal(signal.SIGCONT, children=True)
        time.sleep(0.1)
    made = sorted(shares(cluster.out).values())
    return f"it made {made[0]} of the rows, the other {made[-1]}"


def _prepare_clock(scene: Scene) -> str:
    for kind in ("ventilator", "sink", "worker"):
        scene.cluster.environments[kind] = scene.shim.environment(clock=True)
    return ""


def _clock_steps(scene: Scene) -> str:
    steps = (_DAY_S, -_DAY_S, 3600, 0, -400 * _DAY_S, 400 * _DAY_S, 1, 0)
    for seconds in steps:
        scene.shim.step_clock(seconds)
        time.sleep(1.0)
    return f"{len(steps)} steps of the wall clock of all roles, up to 800 days"


def _disk_full(scene: Scene) -> str:
    cluster = scene.cluster
    cluster.until_said("sink", "disk full", 60)
    before = cluster.committed()
    time.sleep(5)
    subprocess.run(["mount", "-o", "remount,size=256m", str(cluster.out.parent)], check=True)
    took_s = cluster.until_more(before, 30, "rows once there is room")
    return f"full after {before} rows; the next commit came {took_s:.1f} s after there was room"


def _prepare_fsync(scene: Scene) -> str:
    scene.cluster.environments["sink"] = scene.shim.environment(fsync_fails_at=40)
    return ""


def _fsync_error(scene: Scene) -> str:
    cluster = scene.cluster
    sink = cluster.roles["sink"]
    cluster.until_gone(sink, 60)
    if sink.process.returncode != Exit.DAMAGED or "Traceback" in sink.words():
        raise FaultError(f"exit code {sink.process.returncode}: {sink.words()[-500:]}")
    said = sink.words().strip().splitlines()[-1]
    rows = cluster.committed()
    cluster.start("sink")
    return f"exit code 5 after {rows} rows, saying “{_short(said, cluster.out)}”; then restarted"


def _short(said: str, out: Path) -> str:
    return said.replace(str(out), "OUT")


def _babble(scene: Scene) -> str:
    network, cluster = scene.cluster.network, scene.cluster
    count = 5_000
    addresses = [
        f"tcp://{network.address('ventilator')}:5701",
        f"tcp://{network.address('sink')}:5710",
    ]
    with zmq.Context() as context:
        for seed, address in enumerate(addresses):
            with context.socket(zmq.PUSH) as socket:
                socket.linger, socket.sndhwm = 2_000, 100
                socket.connect(address)
                for frames in Mutator(seed).inputs(count):
                    if not socket.poll(10_000, zmq.POLLOUT):
                        raise FaultError(f"{address} takes nothing any more")
                    socket.send_multipart(frames)
    for name in ("ventilator", "sink"):
        if "Traceback" in cluster.roles[name].words():
            raise FaultError(cluster.roles[name].words()[-500:])
        cluster.until_said(name, "dropped", 10)
    return f"{count} mutated messages to each of ventilator and sink"


_mid_message = _MidMessage()

FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault("none", "no fault, for comparison", _nothing, most_refetched=0),
        *(
            Fault(
                f"cut-{one.rstrip('1')}-{other}",
                f"{one.rstrip('1')} and {other} cut off for {CUT_S:.0f} s (refused at once)",
                _break("cut", one, other, CUT_S),
            )
            for one, other in (
                ("ventilator", "sink"),
                ("worker1", "sink"),
                ("worker1", "ventilator"),
            )
        ),
        *(
            Fault(
                f"black-hole-{one.rstrip('1')}-{other}",
                f"packets between {one.rstrip('1')} and {other} vanish for {BLACK_HOLE_S:.0f} s",
                _break("drop", one, other, BLACK_HOLE_S),
                lines=12_000,
            )
            for one, other in (
                ("ventilator", "sink"),
                ("worker1", "sink"),
                ("worker1", "ventilator"),
            )
        ),
        Fault("reset", "all connections of three pairs reset, ten times", _resets),
        Fault(
            "reset-mid-message",
            "workers' connections to the sink reset within a message",
            _mid_message.act,
            prepare=_mid_message.prepare,
            most_refetched=0.10,  # of each connection, what libzmq had taken: eight messages
        ),
        Fault("frozen-worker", "a worker stopped past its lease, then back", _frozen_worker),
        Fault("killed-worker", "kill -9 of a worker's process", _killed(_kill_process)),
        Fault("killed-host", "kill -9 of all of a worker's host", _killed(Role.kill)),
        Fault(
            "killed-ventilator", "kill -9 of the ventilator, restarted", _killed_role("ventilator")
        ),
        Fault("killed-sink", "kill -9 of the sink, restarted", _killed_role("sink")),
        Fault("late-joiners", "one worker, then three more", _late_joiners, workers=1),
        Fault("leave", "a worker asked to leave (SIGTERM)", _leave, most_refetched=0),
        Fault(
            "straggler",
            "a worker 100 times slower than the other",
            _straggler,
            lines=6_000,
            prepare=_prepare_straggler,
            most_refetched=0.10,
        ),
        Fault("clock-steps", "the wall clock steps by days", _clock_steps, prepare=_prepare_clock),
        Fault(
            "malformed",
            "a peer that sends malformed messages",
            _babble,
            most_refetched=0.10,  # some mean something: that a worker lives, who then is not heard
        ),
        Fault(
            "disk-full",
            "the sink's disk is full, then has room again",
            _disk_full,
            small_disk=True,
        ),
        Fault(
            "fsync-error",
            "an fsync of the sink fails (EIO)",
            _fsync_error,
            prepare=_prepare_fsync,
        ),
    )
}


def begins_at(fault: Fault) -> float:
    """The share of lines that is committed before it acts; 0 where it is there from the start."""
    return 0.0 if fault.prepare in (_mid_message.prepare, _prepare_fsync) else _BEGIN
