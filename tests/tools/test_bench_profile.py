"""Profiles: what callgrind and py-spy write becomes instructions and shares by function."""

from __future__ import annotations

import pytest

from tools.bench import callgrind, profile, profile_tables
from tools.bench.page import markdown

# As callgrind writes it: numbers for names, and the cost of a call with all that it called.
WRITTEN = """\
# callgrind format
events: Ir

ob=(1) /usr/lib/libone-0a1b2c3d.so.4.8.0
fl=(1) ???
fn=(1) outer
0 10
cob=(2) /usr/lib/two.cpython-311-x86_64-linux-gnu.so
cfn=(2) inner'2
calls=3 0
0 700
+1 5

ob=(2)
fn=(2)
0 700
fn=(3) 0x000000000029ad80
0 40

ob=(1)
fn=(1)
* 1
"""


def test_a_call_counts_for_the_function_that_is_called_alone() -> None:
    costs = callgrind.parse(WRITTEN.splitlines(keepends=True))
    assert costs == {
        ("libone", "outer"): 16,
        ("two", "inner"): 700,
        ("two", "(not named)"): 40,
    }


def test_outside_of_valgrind_a_window_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_COUNTED", raising=False)
    window = callgrind.Window(8)
    for urls in range(9):
        window.passed(urls)


def test_libraries_and_functions_stand_beside_those_of_bare_pycurl() -> None:
    worker = {("libcurl", "send"): 3000.0, ("libpython", "eval"): 9000.0, ("ld", "x"): 1.0}
    pycurl = {("libcurl", "send"): 2000.0}
    parts = profile_tables.parts(profile.part_rows(worker, pycurl), markdown)
    assert parts.splitlines()[2:] == [
        "| libpython | 9 | 0 |",
        "| libcurl | 3 | 2 |",
        "| all | 12 | 2 |",
    ]
    functions = profile_tables.c_functions(profile.c_rows(worker, pycurl), markdown)
    assert functions.splitlines()[2:4] == [
        "| `eval`, libpython | 9.0 | 75.0 % | 0.0 |",
        "| `send`, libcurl | 3.0 | 25.0 % | 2.0 |",
    ]


def test_samples_count_for_the_innermost_function_and_imports_for_none() -> None:
    stacks = ["run (a.py);work (b.py:7) 3", "run (a.py) 1", "<frozen importlib>;x (c.py) 9"]
    rows = profile.python_rows(stacks, cpu_us=100.0)
    assert profile_tables.python_functions(rows, markdown).splitlines()[2:] == [
        "| `work (b.py)` | 75.0 % |",
        "| `run (a.py)` | 25.0 % |",
    ]
