"""All roles on this host: starts them, restarts what dies, shows the way out.

Law: the supervisor takes no part in the job. Whatever it does or fails to do, the sink decides
what is done; a role's own verdict (exit codes 2, 4 and 5) ends the run, any other death does not.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec
import zmq

from fetcher.core import wire
from fetcher.core.selection import Selection
from fetcher.engines.children import MAX_QUICK_DEATHS, Child
from fetcher.engines.private import private_directory
from fetcher.errors import Exit, FetcherError, StoppedError
from fetcher.pipeline import admission, files, keys
from fetcher.pipeline.channel import Ends, Way, ends, open_socket, receive, send
from fetcher.pipeline.process import RoleSpec
from fetcher.pipeline.security import NO_KEYS, Security
from fetcher.settings import Settings
from fetcher.telemetry import logs

_TURN_MS: Final = 100
_VERDICTS: Final = frozenset({Exit.USAGE, Exit.CONFLICT, Exit.DAMAGED})
_ALIKE_S: Final = 5.0  # the same complaint of another child in this time is not repeated
_LEAVE_S: Final = 5.0  # at the end: for a role that was told to leave
_SINK_LEAVE_S: Final = 15.0  # its last commit included
PLAIN: Final = "fetcher.pipeline.plain_main"
PATCHED: Final = "fetcher.pipeline.worker_main"


class Display(Protocol):
    """Who shows what happens; see fetcher.monitor.progress."""

    def update(self, state: wire.State) -> None:
        """The job's newest state."""

    def say(self, line: str) -> None:
        """A line for the user."""


class Interrupts:
    """How often a stop was asked for, once: in good order, twice: at once.

    The supervisor's loop looks at it; whoever asks adds to the count.
    """

    said = ""  # to the user, when the roles begin to stop

    def __init__(self) -> None:
        self.count = 0

    def listening(self) -> contextlib.AbstractContextManager[None]:
        """Entered while the roles run."""
        return contextlib.nullcontext()


class Signals(Interrupts):
    """SIGINT and SIGTERM ask for it; to be entered in the main thread."""

    said = "stopping: requests in flight may finish (again: leave at once)"

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.count += 1

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        before = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def worker_count(settings: Settings) -> int:
    """`worker.processes`, or the cores that this process may use."""
    return settings.worker.processes or len(os.sched_getaffinity(0))


class Supervisor:
    """Keeps a set of children alive until the job is done, stopped or refused."""

    def __init__(
        self,
        directory: Path,
        addresses: Ends,
        display: Display,
        interrupts: Interrupts,
        *,
        grace_s: float,
        ends_with: str,
        standing: bool = False,
        security: Security = NO_KEYS,
    ) -> None:
        """`ends_with`: the role whose children, all finished, mean that there is no more to do;
        `standing`: they are started again instead, as there may be another job.
        """
        self._ends_with = ends_with
        self._standing = standing
        self._directory = directory
        self._display = display
        self._interrupts = interrupts
        self._is_to_stop = False  # somebody asked the ventilator for it
        self._grace_s = grace_s
        self._context = zmq.Context()
        self._security = security
        opened = functools.partial(open_socket, self._context, security=security)
        self._control = opened(zmq.SUB, Way.CONTROL, addresses.control)
        self._events = opened(zmq.PUSH, Way.EVENTS, addresses.events)
        # Nothing is sent there: so it is seen here, too, whether each sink lets us in.
        sinks = addresses.sinks if security.is_told else ()
        self._results = [opened(zmq.PUSH, Way.RESULTS, sink.results) for sink in sinks]
        self._children: list[Child] = []
        self._complaints: dict[str, float] = {}  # -> when it was last said
        self._rows = 0
        self._over = ""  # the last job that was heard to be complete

    def add(self, spec: RoleSpec) -> None:
        """One more child."""
        module = PATCHED if spec.role == "worker" else PLAIN
        self._children.append(Child(spec, module, self._directory))

    def run(self) -> bool:
        """True: all is done; False: interrupted, and stopped in good order. Raises FetcherError."""
        try:
            while not self._step():
                # Workers of other hosts do not end with a ventilator that is to be started again.
                if self._interrupts.count or (self._is_to_stop and self._ends_with == "sink"):
                    self._stop()
                    return False
            self._let_leave()
            return True
        finally:
            self._end_all()
            self._security.close()
            self._control.close(0)  # its subscription would linger where the ventilator has left
            self._context.destroy(linger=200)

    # -- one turn ----------------------------------------------------------------------------

    def _step(self) -> bool:
        """Start, read and judge the children; True when there is no more to do."""
        self._security.check()
        now = time.monotonic()
        for child in self._children:
            if not child.started and not child.finished and now >= child.start_at:
                child.start(now)
        self._wait()
        for child in self._children:
            self._judge(child, time.monotonic())
        return all(c.finished for c in self._children if c.spec.role == self._ends_with)

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._control, zmq.POLLIN)
        for child in self._children:
            if child.stderr_fd is not None:
                poller.register(child.stderr_fd, zmq.POLLIN)
        ready = dict(poller.poll(_TURN_MS))
        for child in self._children:
            if child.stderr_fd in ready:
                self._relay(child)
        while received := receive(self._control):
            if isinstance(received[0], wire.State):
                self._hear(received[0])

    def _hear(self, state: wire.State) -> None:
        self._rows = state.totals.rows
        if state.phase == "finish":
            self._over = state.job
        self._is_to_stop |= state.phase == "stopping"
        if state.phase not in ("starting", "stopping"):  # which say nothing of a pause
            self._remember_pause(is_paused=state.phase == "paused")
        self._display.update(state)

    def _remember_pause(self, *, is_paused: bool) -> None:
        """A ventilator that dies is followed by one that is paused as it was."""
        for child in self._children:
            if child.spec.role == "ventilator" and child.spec.is_paused != is_paused:
                child.spec = msgspec.structs.replace(child.spec, is_paused=is_paused)

    def _relay(self, child: Child) -> None:
        for line in child.read_lines():
            self._say(child, line)

    def _say(self, child: Child, line: str) -> None:
        """Pass a child's line on; what several refuse alike at their start, once."""
        line = logs.relayed(line, child.spec.role, child.name)
        complaint = logs.complaint(line)
        if complaint is not None:
            now = time.monotonic()
            said_at = self._complaints.get(complaint, -_ALIKE_S)
            self._complaints[complaint] = now
            if now - said_at < _ALIKE_S:
                return
        self._display.say(line)

    def _judge(self, child: Child, now: float) -> None:
        if child.started and not child.alive:
            self._relay(child)
        name, role = child.name, child.spec.role
        code = child.ended(now, self._rows)
        if code is None:
            return
        if code in _VERDICTS:
            raise Verdict(Exit(code))
        if code == Exit.DONE:
            if self._standing:
                # A fresh interpreter for each job, as nothing of one is left in it. Its ventilator
                # may have been followed by another already, or not have been heard here.
                if child.over != self._over:
                    child.over, child.start_at = self._over, now
                return
            child.finished = role == self._ends_with
            # It left because the job is complete, or because somebody asked it to: it is not
            # started again before the sink has had the time to say which.
            child.start_at = now + _LEAVE_S
            return
        if role == "worker":
            send(self._events, wire.Gone(worker=name))
        if role == "sink" and code == Exit.STOPPED:
            raise Verdict(Exit.STOPPED)  # it found no room to begin or go on, and has said so
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._display.say(logs.own(f"{name} ended ({how}); starting it again"))
        self._give_up_if_hopeless(child, how)

    def _give_up_if_hopeless(self, child: Child, how: str) -> None:
        if child.deaths.is_hopeless:
            raise FetcherError(
                f"{child.spec.name} ended {MAX_QUICK_DEATHS} times in a row at its start ({how}) "
                "and the job made no progress; giving up (the same command resumes)"
            )

    # -- the ways out ------------------------------------------------------------------------

    def _stop(self) -> None:
        """In the order of the flow: no new tasks, then let finish, then commit."""
        if self._interrupts.said:
            self._display.say(logs.own(self._interrupts.said, "info"))
        self._end("ventilator", _LEAVE_S)
        self._end("worker", self._grace_s + _LEAVE_S)
        self._end("sink", _SINK_LEAVE_S)

    def _let_leave(self) -> None:
        """The job is complete and everybody was told; a moment for good manners."""
        self._end("ventilator", _LEAVE_S, ask=False)
        self._end("worker", 1.0)  # one that has just begun may not have heard that all is done

    def _end(self, role: str, within_s: float, *, ask: bool = True) -> None:
        children = [child for child in self._children if child.spec.role == role]
        if ask:
            for child in children:
                child.signal(signal.SIGTERM)
        until = time.monotonic() + within_s
        while time.monotonic() < until and self._interrupts.count < 2:
            if not any(child.alive for child in children):
                break
            self._wait()

    def _end_all(self) -> None:
        for child in self._children:
            child.signal(signal.SIGCONT)
            child.signal(signal.SIGKILL)
        for child in self._children:
            child.reap(functools.partial(self._say, child))


class Verdict(FetcherError):
    """A role has ended the run and told the user why already."""

    def __init__(self, code: Exit) -> None:
        super().__init__("")
        self.exit_code = code


def run_job(
    urlfile: Path,
    out: Path,
    settings: Settings,
    display: Display,
    interrupts: Interrupts,
    selection: Selection | None = None,
    command: str = "",
    input_name: str = "",
) -> None:
    """All roles for one job on this host, over private sockets. Raises FetcherError.

    `selection`: the job is of some lines of the URL file, and OUT holds which. `command` and
    `input_name`: see RoleSpec.
    """
    files.check(settings, worker_count(settings))
    session = secrets.token_hex(8)
    with private_directory() as directory:
        ventilator, sink = f"ipc://{directory}/v", f"ipc://{directory}/s"
        supervisor = Supervisor(
            directory,
            ends(ventilator, (sink,)),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="sink",
        )

        def spec(role: str, name: str, number: int = 1) -> RoleSpec:
            return RoleSpec(
                role=role,
                name=name,
                number=number,
                settings=settings,
                ventilator=ventilator,
                sinks=(sink,),
                session=session,
                urlfile=str(urlfile),
                input_name=input_name,
                out=str(out),
                selection=selection,
                command=command,
            )

        supervisor.add(spec("sink", "sink"))
        supervisor.add(spec("ventilator", "ventilator"))
        for number in range(1, worker_count(settings) + 1):
            supervisor.add(spec("worker", f"worker{number}", number))
        with interrupts.listening():
            if not supervisor.run():
                raise StoppedError("stopped before the end; the same command resumes")


def _host() -> str:
    return socket.gethostname().split(".")[0]


def run_workers(settings: Settings, display: Display, interrupts: Interrupts) -> None:
    """Worker processes of this host for roles that run elsewhere. Raises FetcherError."""
    files.check(settings, worker_count(settings))
    ventilator, sinks = settings.endpoints.ventilator, settings.endpoints.sink
    folder = settings.keys.dir
    security = admission.of_supervisor(folder, lambda line: display.say(f"fetcher: {line}"))
    host = keys.load(Path(folder), keys.WORKER).name if folder else _host()
    with contextlib.closing(security), private_directory() as directory:
        supervisor = Supervisor(
            directory,
            ends(ventilator, sinks),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="worker",
            standing=settings.worker.standing,
            security=security,
        )
        for number in range(1, worker_count(settings) + 1):
            supervisor.add(
                RoleSpec(
                    role="worker",
                    name=keys.worker_name(host, os.getpid(), number),
                    number=number,
                    settings=settings,
                    ventilator=ventilator,
                    sinks=sinks,
                    keys=folder,
                )
            )
        with interrupts.listening():
            supervisor.run()
