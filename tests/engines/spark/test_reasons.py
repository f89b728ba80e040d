"""The user reads one line of an error of Spark."""

from __future__ import annotations

import pytest

from fetcher.engines.spark.reasons import short

FAILED = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: ResultStage 0 (collect at \
driver.py:14) has failed the maximum allowable number of times: 1. Most recent failure reason: \
Stage failed because barrier task ResultTask(0, 0) finished unsuccessfully.
"""
MISSING = """org.apache.spark.api.python.PythonException: [PYTHON_EXCEPTION] An exception was \
thrown from the Python worker: Traceback (most recent call last):
  File "worker.py", line 4327, in invoke_udf
    run_process()
ModuleNotFoundError: No module named 'fetcher'
 SQLSTATE: 38000
\tat org.apache.spark.api.python.BasePythonRunner.read(PythonRunner.scala:1097)
"""
KILLED = """org.apache.spark.SparkException: Python worker exited unexpectedly (crashed). Consider
\tat org.apache.spark.api.python.BasePythonRunner.apply(PythonRunner.scala:1136)
"""
LOST = "ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: exited\n"
NO_MASTER = """An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.
: org.apache.spark.SparkException: Master removed our application: FAILED
\tat org.apache.spark.scheduler.TaskSchedulerImpl.error(TaskSchedulerImpl.scala:1018)
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FAILED + MISSING, "ModuleNotFoundError: No module named 'fetcher'"),
        (FAILED + KILLED, "Python worker exited unexpectedly (crashed). Consider"),
        (FAILED + LOST, LOST.strip()),
        (NO_MASTER, "Master removed our application: FAILED"),
        (
            "\n  [JAVA_GATEWAY_EXITED] Java gateway process exited.\nmore",
            "[JAVA_GATEWAY_EXITED] Java",
        ),
        ("", ""),
    ],
)
def test_the_reason_is_one_line(text: str, reason: str) -> None:
    assert short(text).startswith(reason)
    assert "\n" not in short(text)
