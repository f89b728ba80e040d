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
from pathlib import Path
from typing import Final, Protocol

import msgspec
import zmq

from fetcher.engines.children import MAX_QUICK_DEATHS, Child
from fetcher.engines.complaints import Complaints
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.private import private_directory
from fetcher.engines.sizing import worker_count, workers_for
from fetcher.engines.startup import Startup
from fetcher.errors import Exit, FetcherError, StoppedError
from fetcher.input.selection import Selection
from fetcher.protocol import messages
from fetcher.roles import rlimits
from fetcher.roles.interpreter import own_folders
from fetcher.roles.spec import RoleSpec
from fetcher.security import keyring, role_policy
from fetcher.security.policy import NO_KEYS, Security
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.transport.endpoints import Endpoints, endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send

_TURN_MS: Final = 100
_VERDICTS: Final = frozenset({Exit.USAGE, Exit.CONFLICT, Exit.DAMAGED})
_LEAVE_S: Final = 5.0  # at the end: for a role that was told to leave
_SINK_LEAVE_S: Final = 15.0  # its last commit included
PLAIN: Final = "fetcher.roles.main"
PATCHED: Final = "fetcher.roles.worker_main"


class Display(Protocol):
    """Who shows what happens; see fetcher.watch.progress."""

    def update(self, state: messages.State) -> None:
        """The job's newest state."""

    def say(self, line: str) -> None:
        """A line for the user."""


class Supervisor:
    """Keeps a set of children alive until the job is done, stopped or refused."""

    def __init__(
        self,
        directory: Path,
        addresses: Endpoints,
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
        self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
        self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        # Nothing is sent there: so it is seen here, too, whether each sink lets us in.
        sinks = addresses.sinks if security.learns_refusals else ()
        self._results = [opened(zmq.PUSH, Channel.RESULTS, sink.results) for sink in sinks]
        self._children: list[Child] = []
        self._startups: dict[str, Startup] = {}  # by role
        self._said: dict[str, str] = {}  # see Startup
        self._complaints = Complaints()
        self._rows = 0
        self._announced = ""  # the last job that was told to have been joined
        self._over = ""  # the last job that was heard to be complete

    def add(self, spec: RoleSpec) -> None:
        """One more child."""
        module = PATCHED if spec.role == "worker" else PLAIN
        self._children.append(Child(spec, module, self._directory))
        self._startups.setdefault(spec.role, Startup(self._said)).add()

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
        self._note_who_is_ready()
        for child in self._children:
            self._judge(child, time.monotonic())
        return all(c.finished for c in self._children if c.spec.role == self._ends_with)

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._control, zmq.POLLIN)
        for child in self._children:
            for fd in (child.stderr_fd, child.pidfd):
                if fd is not None:
                    poller.register(fd, zmq.POLLIN)
        ready = dict(poller.poll(_TURN_MS))
        for child in self._children:
            if child.stderr_fd in ready:
                self._relay(child)
        while received := receive(self._control):
            if isinstance(received[0], messages.State):
                self._hear(received[0])

    def _hear(self, state: messages.State) -> None:
        self._rows = state.totals.rows
        if state.phase == "finish":
            self._over = state.job
        self._is_to_stop |= state.phase == "stopping"
        if state.phase not in ("starting", "stopping"):  # which say nothing of a pause
            self._remember_pause(is_paused=state.phase == "paused")
        self._display.update(state)
        self._announce_job(state)

    def _announce_job(self, state: messages.State) -> None:
        if state.job not in ("", self._announced):
            self._announced = state.job
            logs.announce("the ventilator is heard: there is a job", self._display.say)

    def _remember_pause(self, *, is_paused: bool) -> None:
        """A ventilator that dies is followed by one that is paused as it was."""
        for child in self._children:
            if child.spec.role == "ventilator" and child.spec.is_paused != is_paused:
                child.spec = msgspec.structs.replace(child.spec, is_paused=is_paused)

    def _relay(self, child: Child) -> None:
        for line in child.read_lines():
            self._say(child, line)

    def _say(self, child: Child, line: str) -> None:
        """Pass a child's line on; what several say alike at their start, once."""
        if not self._startups[child.spec.role].is_new(child.name, line):
            return
        line = logs.relayed(line, child.spec.role, child.name)
        if not self._complaints.is_repeated(line, time.monotonic()):
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
            send(self._events, messages.Gone(worker=name))
        if role == "sink" and code == Exit.STOPPED:
            raise Verdict(Exit.STOPPED)  # it found no room to begin or go on, and has said so
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._give_up_if_it_never_starts(child, code, how)
        self._display.say(logs.own(f"{name} ended ({how}); starting it again"))
        self._give_up_if_hopeless(child, how)

    def _note_who_is_ready(self) -> None:
        for child in self._children:
            startup = self._startups[child.spec.role]
            if not startup.is_proven and child.is_ready:
                startup.ready()

    def _give_up_if_it_never_starts(self, child: Child, code: int, how: str) -> None:
        startup = self._startups[child.spec.role]
        if not child.is_ready:
            startup.died(child.spec.name, code)
        if startup.is_hopeless:
            raise FetcherError(startup.verdict(child.spec.role, how))

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
    workers = workers_for(settings, urlfile, selection)
    rlimits.check(settings, workers)
    session, folders = secrets.token_hex(8), own_folders(settings)
    with private_directory() as directory:
        ventilator, sink = f"ipc://{directory}/v", f"ipc://{directory}/s"
        supervisor = Supervisor(
            directory,
            endpoints_of(ventilator, (sink,)),
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
                own_folders=folders,
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
        for number in range(1, workers + 1):
            supervisor.add(spec("worker", f"worker{number}", number))
        with interrupts.listening():
            if not supervisor.run():
                raise StoppedError("stopped before the end; the same command resumes")


def _host() -> str:
    return socket.gethostname().split(".")[0]


def run_workers(settings: Settings, display: Display, interrupts: Interrupts) -> None:
    """Worker processes of this host for roles that run elsewhere. Raises FetcherError."""
    rlimits.check(settings, worker_count(settings))
    ventilator, sinks = settings.endpoints.ventilator, settings.endpoints.sink
    folder, folders = settings.keys.dir, own_folders(settings)
    security = role_policy.of_supervisor(folder, lambda line: display.say(f"fetcher: {line}"))
    host = keyring.load(Path(folder), keyring.WORKER).name if folder else _host()
    with contextlib.closing(security), private_directory() as directory:
        supervisor = Supervisor(
            directory,
            endpoints_of(ventilator, sinks),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="worker",
            standing=settings.worker.standing,
            security=security,
        )
        processes = worker_count(settings)
        of = "worker process waits" if processes == 1 else "worker processes wait"
        where = f"the ventilator at {ventilator} and the sink at {', '.join(sinks)}"
        logs.announce(f"{processes} {of} for {where}", display.say)
        for number in range(1, processes + 1):
            supervisor.add(
                RoleSpec(
                    role="worker",
                    name=keyring.worker_name(host, os.getpid(), number),
                    number=number,
                    settings=settings,
                    own_folders=folders,
                    ventilator=ventilator,
                    sinks=sinks,
                    keys=folder,
                )
            )
        with interrupts.listening():
            if supervisor.run():
                logs.announce("the workers are done: every line has its row", display.say)
