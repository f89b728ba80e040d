"""No decision is taken by the wall clock, which may step: time is monotonic, or an argument."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fetcher"
WALL = {
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    *("datetime.date.today", "datetime.now", "datetime.utcnow", "date.today"),
    *("time.clock_gettime", "time.clock_gettime_ns"),
}
# What people are told, and what servers say by the calendar.
TOLD = {
    ("fetch/http/line_fetch.py", "step"): "a row's started_at",
    ("fetch/http/kept.py", "captured"): "a WARC record's date",
    ("fetch/http/line_fetch.py", "_end"): "a Retry-After that names a date; it is bounded",
    (
        "fetch/cookies/jar.py",
        "absorb",
    ): "when a Max-Age ends; a cookie lives for one chain of redirects",
    ("fetch/cookies/jar.py", "header_for"): "whether a cookie's date has passed",
    ("cli/report.py", "_read"): "when the report was written",
    ("telemetry/logs.py", "own"): "a log line's date",
    ("telemetry/logs.py", "relayed"): "a log line's date",
    ("watch/status.py", "look"): "how old the newest commit is",
    ("watch/files_view.py", "look"): "how old the newest commit is",
    ("watch/web/app.py", "_live"): "when the page was told this",
    ("watch/web/control_mailbox.py", "put"): "the times of a plot",
    ("watch/status.py", "_rate_now"): "how old the newest commits are",
    ("watch/files_view.py", "_rate_now"): "how old the newest commits are",
    ("store/output_dir.py", "resume_work"): "when the work of an average rate goes on",
    (
        "store/output_dir.py",
        "record",
    ): "when the newest commit was, and the rate that `status` shows",
    ("store/output_dir.py", "_new_manifest"): "created_at",
    ("engines/tickets.py", "_next"): "when a slot that an engine has not started is not wanted",
    ("engines/slot_main.py", "_serve"): "whether a slot was started too late to be wanted",
    ("engines/slot.py", "serve"): "whether a slot was started too late to be wanted",
    ("engines/helper.py", "_current"): "which slots are still wanted",
    ("engines/ray/client.py", "_turn"): "which slots are still wanted",
    ("engines/ray/client.py", "_finish"): "which slots are still wanted",
    ("engines/dask/client.py", "_hand_out"): "which slots are still wanted",
    ("engines/whole_job.py", "out_now"): "the date in the name of an OUT",
}


def uses(source: str) -> Iterator[str]:
    """The functions in which the wall clock is asked."""
    tree = ast.parse(source)
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(tree) if isinstance(node, defined)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in WALL:
            inside = [f for f in functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
            yield max(inside, key=lambda f: f.lineno).name if inside else "<module>"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            for name in node.names:
                if f"time.{name.name}" in WALL:
                    yield "<import>"


def test_the_wall_clock_is_read_only_for_times_that_people_see() -> None:
    found = {
        (str(path.relative_to(PACKAGE)), function)
        for path in PACKAGE.rglob("*.py")
        for function in uses(path.read_text("utf-8"))
    }
    assert found == set(TOLD)


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return time.time() > 5",
        "async def f():\n    return time.time() > 5",
        "from time import time",
        "now = time.time",
    ],
)
def test_a_use_of_the_wall_clock_is_seen(source: str) -> None:
    assert list(uses(source))
