"""Keeps a set of role processes alive until the job is done, stopped or refused.

The supervisor takes no part in the job. Whatever it does or fails to do, the sink decides what is
done. Some exit codes of a role (2, 4 and 5) end the run; after any other death the role starts
again.
"""

from __future__ import annotations

import functools
import signal
import time
from pathlib import Path
from typing import Final, Protocol

import msgspec
import zmq

from fetcher.engines.children import MAX_QUICK_DEATHS, Child
from fetcher.engines.complaints import Complaints
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.patience import Patience
from fetcher.engines.slot_keeper import SlotKeeper
from fetcher.engines.startup import Startup
from fetcher.errors import Exit, FetcherError
from fetcher.protocol import messages
from fetcher.roles.spec import CHILD_DONE, RoleSpec
from fetcher.security.policy import NO_KEYS, Security
from fetcher.telemetry import logs
from fetcher.transport.endpoints import Endpoints
from fetcher.transport.sockets import Channel, open_socket, receive, send

_TURN_MS: Final = 100
_VERDICTS: Final = frozenset({Exit.USAGE, Exit.CONFLICT, Exit.DAMAGED})
_LEAVE_S: Final = 5.0  # for a role to leave, once it was asked to
_SINK_LEAVE_S: Final = 15.0  # the same for a sink, with its last commit
PLAIN: Final = "fetcher.roles.main"
PATCHED: Final = "fetcher.roles.worker_main"


class Verdict(FetcherError):
    """A role ended the run; the user has read why already."""

    def __init__(self, code: Exit) -> None:
        super().__init__("")
        self.exit_code = code


class Display(Protocol):
    """Shows the user what happens; see fetcher.watch.progress."""

    def update(self, state: messages.State) -> None:
        """Show the job's newest state."""

    def say(self, line: str) -> None:
        """Show a line."""


def _ends_are_unknown() -> bool:
    """Whether every exit code is read as 0: this program ignores SIGCHLD."""
    return signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN


class Supervisor:
    """The supervisor of a set of children."""

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
        patience: Patience | None = None,
        slots: SlotKeeper | None = None,
        drain_s: float = 0.0,
    ) -> None:
        """`ends_with`: the role whose children end the run when all of them have finished.

        `standing`: they are started again instead, as there may be another job. `patience`: when
        workers of another host's job leave before its end; None: they do not. `slots`: the workers
        that an engine runs; `drain_s`: see RoleSpec.
        """
        self._ends_with = ends_with
        self._standing = standing
        self._patience = patience
        self._slots = slots
        self._drain_s = drain_s
        self._directory = directory
        self._display = display
        self._interrupts = interrupts
        self._is_to_stop = False  # the ventilator was asked to stop the job
        self._grace_s = grace_s
        self._context = zmq.Context()
        self._security = security
        opened = functools.partial(open_socket, self._context, security=security)
        self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
        self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        # Nothing is sent to the sinks: they are connected to learn whether they refuse our key.
        sinks = addresses.sinks if security.learns_refusals else ()
        self._results = [opened(zmq.PUSH, Channel.RESULTS, sink.results) for sink in sinks]
        self._children: list[Child] = []
        self._startups: dict[str, Startup] = {}  # by role
        self._logged: dict[str, str] = {}  # see Startup
        self._complaints = Complaints()
        self._rows = 0
        self._announced = ""  # the last job that the user has read of
        self._over = ""  # the last job that is complete

    def add(self, spec: RoleSpec) -> None:
        """Add a child."""
        module = PATCHED if spec.role == "worker" else PLAIN
        self._children.append(Child(spec, module, self._directory))
        self._startups.setdefault(spec.role, Startup(self._logged)).add()

    def run(self) -> bool:
        """Supervise until the end. Raises FetcherError.

        Returns True if the job is done, False if it was interrupted and stopped in order.
        """
        try:
            while not self._step():
                if self._interrupts.count or self._is_to_leave():
                    self._stop()
                    return False
            self._let_leave()
            return True
        finally:
            self._end_all()
            self._security.close()
            self._control.close(0)  # its subscription would linger if the ventilator has left
            self._context.destroy(linger=200)

    def _is_to_leave(self) -> bool:
        if self._patience is not None and self._patience.leave(time.monotonic()):
            return True
        # Workers of other hosts do not end with a ventilator that is to be started again.
        return self._is_to_stop and self._ends_with == "sink"

    # -- one turn ----------------------------------------------------------------------------

    def _step(self) -> bool:
        """Start children, relay their lines, handle their ends; return True if all is done."""
        self._security.check()
        now = time.monotonic()
        for child in self._children:
            if not child.started and not child.finished and now >= child.start_at:
                child.start(now)
        self._wait()
        self._note_who_is_ready()
        for child in self._children:
            self._handle_end(child, time.monotonic())
        if self._slots is not None:
            self._slots.turn(time.monotonic())
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
                self._note_state(received[0])

    def _note_state(self, state: messages.State) -> None:
        if self._patience is not None:
            self._patience.hear(state, time.monotonic())
        if self._slots is not None:
            self._slots.hear(state, time.monotonic())
        self._rows = state.totals.rows
        if state.phase == "finish":
            self._over = state.job
        self._is_to_stop |= state.phase == "stopping"
        if state.phase not in ("starting", "stopping"):  # these do not say whether it is paused
            self._remember_pause(is_paused=state.phase == "paused")
        self._display.update(state)
        self._announce_job(state)

    def _announce_job(self, state: messages.State) -> None:
        if state.job not in ("", self._announced):
            self._announced = state.job
            logs.announce("the ventilator is heard: there is a job", self._display.say)

    def _remember_pause(self, *, is_paused: bool) -> None:
        """Let the successor of a ventilator that dies be paused as it was."""
        for child in self._children:
            if child.spec.role == "ventilator" and child.spec.is_paused != is_paused:
                child.spec = msgspec.structs.replace(child.spec, is_paused=is_paused)

    def _relay(self, child: Child) -> None:
        for line in child.read_lines():
            self._say(child, line)

    def _say(self, child: Child, line: str) -> None:
        """Relay a child's line; what several children say alike at their start is relayed once."""
        if not self._startups[child.spec.role].is_new(child.name, line):
            return
        line = logs.relayed(line, child.spec.role, child.name)
        if not self._complaints.is_repeated(line, time.monotonic()):
            self._display.say(line)

    def _handle_end(self, child: Child, now: float) -> None:
        if child.started and not child.alive:
            self._relay(child)
        name, role = child.name, child.spec.role
        code = child.ended(now, self._rows)
        if code is None:
            return
        if code in _VERDICTS:
            raise Verdict(Exit(code))
        if code == CHILD_DONE or (code == 0 and _ends_are_unknown()):
            self._handle_done(child, now)
            return
        if role == "ventilator" and code == Exit.STOPPED:
            self._stop()  # it cannot go on, as it has said; what was fetched is committed
            raise Verdict(Exit.STOPPED)
        if role == "worker":
            send(self._events, messages.Gone(worker=name))
        if role == "sink" and code == Exit.STOPPED:
            raise Verdict(Exit.STOPPED)  # the disk is full, as it has said
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._give_up_if_it_never_starts(child, code, how)
        self._display.say(logs.own(f"{name} ended ({how}); starting it again"))
        self._give_up_if_hopeless(child, how)

    def _handle_done(self, child: Child, now: float) -> None:
        if self._standing:
            # Each job gets a fresh interpreter, in which nothing of another is left. This job's
            # ventilator may have a successor already, or never have been heard here.
            if child.over != self._over:
                child.over, child.start_at = self._over, now
            return
        child.finished = child.spec.role == self._ends_with
        # It left because the job is complete, or because somebody asked it to. It does not start
        # again before the sink has had the time to say which.
        child.start_at = now + _LEAVE_S

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

    # -- the end -----------------------------------------------------------------------------

    def _stop(self) -> None:
        """Stop in the order of the flow: no new tasks, the last fetches, the last commit."""
        if self._interrupts.said:
            self._display.say(logs.own(self._interrupts.said, "info"))
        self._end("ventilator", _LEAVE_S + self._drain_s)
        self._end("worker", self._grace_s + _LEAVE_S)
        self._end("sink", _SINK_LEAVE_S)

    def _let_leave(self) -> None:
        """Give the roles time to leave: the job is complete, and they have heard so."""
        self._end("ventilator", _LEAVE_S, ask=False)
        self._end("worker", 1.0)  # one that has just started may not have heard so

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
        workers = [c.name for c in self._children if c.spec.role == "worker" and c.alive]
        for child in self._children:
            child.signal(signal.SIGCONT)
            child.signal(signal.SIGKILL)
        for child in self._children:
            child.reap(functools.partial(self._say, child))
        for worker in workers:  # their lines go to others at once, and no line is to blame
            send(self._events, messages.Bye(worker=worker))
