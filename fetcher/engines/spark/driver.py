"""Places slots as jobs of one application of Spark, from the helper of `fetcher run`.

Each slot has a thread here that waits for its end. While no core is free, slots wait in Spark. A
slot that begins after its ticket has expired ends at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import InheritableThread, SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway

from fetcher.engines.interface import BrokenEngineError, Engine, EngineError, SlotCount
from fetcher.engines.listening import require_listener
from fetcher.engines.spark import application, reasons, task
from fetcher.engines.spark.executors import Executors
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

_FINISH_S: Final = 2.5  # for slots to finish at the end
_STOP_S: Final = 1.0
_TURN_S: Final = 0.1
_MOST_RESULTS: Final = 1000
# The JVM here has little to do: it starts sooner and stays smaller so.
_JVM_OPTIONS: Final = "SPARK_SUBMIT_OPTS"
_SMALL_JVM: Final = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"


class SparkDriver(Engine):
    """The slots of one job, in one application."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._context: SparkContext | None = None
        self._folders: tuple[str, ...] = ()
        self._slots: list[InheritableThread] = []
        self._results: deque[Mapping[str, Any]] = deque(maxlen=_MOST_RESULTS)
        self._executors = Executors("")
        self._has_no_core = self._is_over = False

    def start(self) -> None:
        self._running()

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        context = self._running()
        for ticket in tickets:
            slot = InheritableThread(
                target=self._run, args=(context, dict(ticket), secrets), daemon=True
            )
            slot.start()
            self._slots.append(slot)

    def _run(self, context: SparkContext, ticket: dict[str, Any], secrets: str) -> None:
        context.setJobGroup(ticket["slot"], f"slot {ticket['number']} of job {ticket['job']}")
        orders = context.parallelize([task.order(ticket, secrets, self._folders)], 1)
        try:
            self._results += orders.barrier().mapPartitions(task.run).collect()
        except Exception as error:  # any that Spark may raise; it comes again if it is lasting
            if not self._is_over:
                self._results.append({"error": reasons.short(str(error))})
                self._has_no_core = reasons.NO_CORE in str(error)

    def count(self) -> SlotCount:
        slots, tasks = len(self._alive()), self._tasks()
        return SlotCount(max(slots - tasks, 0), tasks)

    def _alive(self) -> list[InheritableThread]:
        self._slots = [slot for slot in self._slots if slot.is_alive()]
        return self._slots

    def _tasks(self) -> int:
        """Return how many slots executors run now."""
        if self._context is None:
            return 0
        tracker = self._context.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        return sum(stage.numActiveTasks for stage in stages if stage is not None)

    def results(self) -> Sequence[Mapping[str, Any]]:
        self._require_jvm()
        self._alive()
        return [self._results.popleft() for _ in range(len(self._results))]

    def end(self) -> None:
        self._is_over = True
        until = time.monotonic() + _FINISH_S
        while self._alive() and time.monotonic() < until:
            time.sleep(_TURN_S)
        if self._context is not None:
            stopping = threading.Thread(target=self._context.stop, daemon=True)
            stopping.start()
            stopping.join(_STOP_S)

    # -- the application ---------------------------------------------------------------------

    def _running(self) -> SparkContext:
        self._require_jvm()
        if self._context is None:
            _require_master(self.settings.engine.address)
            _prepare_environment()
            try:
                gateway = launch_gateway()
                conf = SparkConf(_jvm=gateway.jvm)  # with spark-defaults.conf
                application.complete(conf, self.settings)
                self._context = SparkContext(conf=conf, gateway=gateway)
            except (Py4JError, PySparkException, OSError) as error:
                raise BrokenEngineError(reasons.short(str(error))) from error
            master = self._context.master or ""
            self._executors = Executors(master)
            if master.startswith("local["):
                self._folders = interpreter.search_path()
        return self._context

    def _require_jvm(self) -> None:
        """Raise BrokenEngineError if the application is over, as Spark's JVM died or stopped it."""
        if self._context is None:
            return
        try:
            scala = self._context._jsc.sc()
            is_stopped = scala.isStopped()
            executors = scala.getExecutorMemoryStatus().size() - 1  # without this JVM
        except (Py4JError, OSError) as error:
            raise BrokenEngineError("its JVM has ended") from error
        if is_stopped:
            raise BrokenEngineError(f"{self._context.master} has ended the application")
        now = time.monotonic()
        if self._executors.are_lost(executors, now, has_no_core=self._has_no_core):
            raise BrokenEngineError(f"{self._context.master} gives the application no executor")


def _require_master(address: str) -> None:
    """Raise EngineError if no master listens: Spark would start a JVM, and try for a minute."""
    try:
        require_listener(address)
    except OSError as error:
        raise EngineError(f"no master of Spark answers at {address}: {error}") from error


def _prepare_environment() -> None:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    before = os.environ.get(_JVM_OPTIONS, "")
    os.environ[_JVM_OPTIONS] = f"{_SMALL_JVM} {before}".strip()
