"""Ports that processes which run at the same time are given."""

from __future__ import annotations

import subprocess
import sys

from support import jobs
from tools.ports import free_ports

# As the process with the number that is its argument, so that both begin at the same ports.
ANOTHER = """
import os, sys
os.getpid = lambda: int(sys.argv[1])
from tools.ports import free_ports
print(*(free_ports(3) for _ in range(20)), flush=True)
sys.stdin.read()
"""


def test_no_port_is_given_to_two_processes_that_run_at_the_same_time() -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ANOTHER, "77"],
            cwd=jobs.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    given = []
    for other in others:
        assert other.stdout is not None
        given += [int(text) for text in other.stdout.readline().split()]
    for other in others:
        other.communicate(timeout=60)
    assert len(given) == 40
    assert len({port for base in given for port in range(base, base + 3)}) == 120


def test_a_process_is_given_no_port_twice_in_a_row() -> None:
    given = [free_ports(9) for _ in range(100)]
    assert len(set(given)) == 100
