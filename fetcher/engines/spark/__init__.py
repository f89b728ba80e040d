"""The engine `spark`: each slot is a barrier stage of one task, in an application of its own.

Spark never runs a second copy of a task of a barrier stage (speculation). A stage of all slots
would fail as a whole whenever one executor dies; with one for each slot, the others go on. Only
this package knows Spark.
"""

from __future__ import annotations

import os
import shutil

from fetcher.engines.helper import HelperEngine
from fetcher.errors import UsageError
from fetcher.settings.schema import Settings


class SparkEngine(HelperEngine):
    """Slots in the executors of a cluster of Spark; without an address, in a JVM of this host."""

    engine = "fetcher.engines.spark.driver:SparkDriver"
    library = "pyspark"
    slots_end_with_it = True
    # Data of tasks passes hosts unencrypted unless Spark is configured otherwise.
    carries_secrets = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
            raise UsageError(
                "--engine spark needs Java, and no program `java` is on the PATH: install Java 17 "
                "or later, or set JAVA_HOME"
            )
