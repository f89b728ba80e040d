"""The settings of the application of Spark that runs a job's slots.

What the user has set, in spark-defaults.conf or otherwise, stays, other than what slots rely on.
"""

from __future__ import annotations

from typing import Final, Protocol

from fetcher.settings.schema import Settings

_CHECK_S: Final = 1  # between two looks of Spark whether it has a core for a barrier stage
_NO_MASTER: Final = "local[*]"  # what Spark says if none is set
_NEEDED: Final = {
    "spark.speculation": "false",
    "spark.dynamicAllocation.enabled": "false",  # barrier stages do not go with it
    # A slot that failed is placed again by fetcher, with a new ticket.
    "spark.task.maxFailures": "1",
    "spark.stage.maxConsecutiveAttempts": "1",
    "spark.python.worker.idleTimeoutSeconds": "0",  # a slot sends nothing to Spark for minutes
    "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": f"{_CHECK_S}s",
    "spark.ui.showConsoleProgress": "false",
}


class Conf(Protocol):
    """What is used of pyspark.SparkConf."""

    def get(self, key: str, /) -> str | None:
        """Return the value, if there is one."""

    def set(self, key: str, value: str, /) -> object:
        """Set the value."""

    def setIfMissing(self, key: str, value: str, /) -> object:
        """Set the value if there is none."""


def complete(conf: Conf, settings: Settings) -> None:
    """Set what the application of this job needs."""
    workers, engine = settings.worker.processes, settings.engine
    host = engine.bind.removeprefix("tcp://").rpartition(":")[0]
    if engine.address:
        conf.set("spark.master", engine.address)
    elif conf.get("spark.master") in (None, _NO_MASTER):
        conf.set("spark.master", f"local[{workers}]")
    wanted = {
        "spark.app.name": "fetcher",
        "spark.cores.max": str(workers),
        "spark.driver.bindAddress": host.strip("[]"),
        "spark.driver.host": engine.advertise or host,
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
    }
    for key, value in wanted.items():
        conf.setIfMissing(key, value)
    checks = max(round(engine.start_s / _CHECK_S), 1)
    conf.set("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", str(checks))
    for key, value in _NEEDED.items():
        conf.set(key, value)
