"""An engine whose library runs in a process of its own, the helper.

Libraries such as Dask or Spark log to the terminal, start threads and processes, and take signals.
In the helper they disturb neither `fetcher run` nor a program that uses fetcher.api. The helper has
a session of its own, so that Ctrl-C does not reach it. It is leashed to this process (see
fetcher.engines.leash), and its process group ends with it. If it dies, the next call starts
another.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from fetcher.engines import helper_messages
from fetcher.engines.helper_messages import Answer, HelperOrder, Request
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.errors import UsageError
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

MODULE: Final = "fetcher.engines.helper_main"
_ANSWER_S: Final = 120.0  # at least, for the longest call, which starts a cluster
_END_S: Final = 4.5  # for the last call, and then for the helper to leave
_LEAVE_S: Final = 2.0
_BLOCK: Final = 1 << 16
_KEPT_LINES: Final = 20  # of what the library has printed
_LAST_WORDS_S: Final = 1.0  # to read what a helper that has ended printed last
_MOST_SAID: Final = 300  # characters of a line that is shown


class HelperEngine(Engine):
    """Passes all calls to the engine `engine` ("module:class"), which the helper imports.

    `library`: what the engine needs installed.
    """

    engine: str
    library: str
    directory: str | None = None  # the current directory of the helper; None: that of this process
    # Whether all slots have ended when a helper has ended. Those that were to start are placed
    # again then, as the plan still counts them as coming.
    slots_end_with_it = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if importlib.util.find_spec(self.library) is None:
            raise ModuleNotFoundError(f"No module named {self.library!r}", name=self.library)
        self._answer_s = max(_ANSWER_S, settings.engine.connect_s)
        self._helper: Helper | None = None
        self._stack = contextlib.ExitStack()  # closed when the helper is let go
        self._placed: list[Mapping[str, Any]] = []  # tickets to place again if the helper is lost
        self._secrets = ""

    @contextlib.contextmanager
    def environment(self) -> Iterator[Mapping[str, str]]:
        """Yield variables to add to a helper's environment; the block ends after the helper."""
        yield {}

    def start(self) -> None:
        self._ask(Request(call="start"))

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        plain = tuple(dict(ticket) for ticket in tickets)
        self._ask(Request(call="place", tickets=plain, secrets=secrets))
        if self.slots_end_with_it:
            self._placed, self._secrets = [*_current(self._placed), *plain], secrets

    def count(self) -> SlotCount | None:
        return self._ask(Request(call="count")).count

    def results(self) -> Sequence[Mapping[str, Any]]:
        return self._ask(Request(call="results")).results

    def end(self) -> None:
        if self._helper is None:
            return
        answer = Answer()
        # If no answer comes, what it has started ends with the helper.
        with contextlib.suppress(EngineError):
            answer = self._helper.ask(Request(call="end"), _END_S)
        self._let_go()
        _raise_error(answer)

    def _ask(self, request: Request, within_s: float | None = None) -> Answer:
        helper = self._helper or self._begin()
        try:
            answer = helper.ask(request, within_s or self._answer_s)
        except EngineError:
            self._let_go()
            raise
        if answer.is_last:
            self._let_go()
        _raise_error(answer)
        return answer

    def _begin(self) -> Helper:
        """Start a helper, and place again what the last one has lost."""
        order = HelperOrder(self.engine, self.settings, interpreter.own_folders(self.settings))
        with contextlib.ExitStack() as stack:
            variables = stack.enter_context(self.environment())
            helper = Helper(order, {**os.environ, **variables}, self.directory)
            stack.callback(helper.end)
            self._stack = stack.pop_all()
        self._helper = helper
        # If that fails, they are forgotten: the next try is up to the plan.
        lost, self._placed = _current(self._placed), []
        if lost:
            self.start()
            self.place(lost, self._secrets)
        return helper

    def _let_go(self) -> None:
        self._helper = None
        self._stack.close()


def _current(tickets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    now = time.time()
    return [ticket for ticket in tickets if ticket["expires_at"] > now]


def _raise_error(answer: Answer) -> None:
    if answer.error:
        raise EngineError(answer.error) if answer.is_temporary else UsageError(answer.error)


class Helper:
    """One helper process."""

    def __init__(
        self, order: HelperOrder, environ: Mapping[str, str], directory: str | None
    ) -> None:
        self._printed: deque[str] = deque(maxlen=_KEPT_LINES)
        self._unread = bytearray()
        self._process = subprocess.Popen(
            interpreter.command(MODULE, str(os.getpid())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            cwd=directory,
            start_new_session=True,
        )
        # The pipe must not fill up.
        self._log = threading.Thread(target=self._read_log, name="helper log", daemon=True)
        self._log.start()
        self._send(helper_messages.encode(order))

    def ask(self, request: Request, within_s: float) -> Answer:
        """Return the answer to the request. Raises EngineError if none comes."""
        self._send(helper_messages.encode(request))
        line = self._line(within_s)
        try:
            return msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            raise EngineError(f"its process has sent what is not an answer: {error}") from error

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended; the missing answer says so
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _line(self, within_s: float) -> bytes:
        assert self._process.stdout is not None
        fd, until = self._process.stdout.fileno(), time.monotonic() + within_s
        while b"\n" not in self._unread:
            readable, _, _ = select.select([fd], [], [], max(until - time.monotonic(), 0))
            if not readable:
                raise EngineError(f"no answer within {within_s:g} s{self._last_words()}")
            block = os.read(fd, _BLOCK)
            if not block:
                self._log.join(_LAST_WORDS_S)  # what it has started may hold its log open
                raise EngineError(f"its process has ended{self._last_words()}")
            self._unread += block
        line, _, rest = bytes(self._unread).partition(b"\n")
        self._unread = bytearray(rest)
        return line

    def _last_words(self) -> str:
        return f": {self._printed[-1][:_MOST_SAID]}" if self._printed else ""

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as log:
            for line in log:
                if text := line.decode("utf-8", "replace").strip():
                    self._printed.append(text)

    def end(self) -> None:
        """Let it leave, and end what is left of its process group."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        pidfd = os.pidfd_open(self._process.pid)
        select.select([pidfd], [], [], _LEAVE_S)
        os.close(pidfd)
        # It is waited for last, as its process group keeps its number until then.
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
