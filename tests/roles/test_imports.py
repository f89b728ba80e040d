"""What each process loads at its start: only what it needs, for short jobs."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
{imports}
loaded = [name for name in sys.argv[1].split() if name in sys.modules]
print(*loaded)
"""
RARE = "email difflib tomllib tempfile importlib.metadata requests rich asyncio numpy"
PATCHED_LATE = "ssl subprocess"
OTHERS = "fetcher.leases.ledger fetcher.security.keyring"
SLOW = "inspect typing_extensions"
SINK = "import fetcher.roles.main, fetcher.roles.sink.role"
VENTILATOR = "import fetcher.roles.main, fetcher.roles.ventilator.role, fetcher.watch.web.serving"
WORKER = "import fetcher.roles.worker_main, fetcher.fetch.http.client"
HELP = """
from fetcher.__main__ import main
from fetcher.cli.main import cli
sys.stdout, out = sys.stderr, sys.stdout
cli.main(["--help"], standalone_mode=False)
sys.stdout = out
"""


def loaded(imports: str, unwanted: str) -> list[str]:
    """The unwanted modules that these imports load."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports), unwanted],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("imports", "unwanted"),
    [
        (
            SINK,
            f"{RARE} {SLOW} ssl ctypes gevent pycurl {OTHERS}",
        ),
        (
            VENTILATOR,
            f"{RARE} {SLOW} ssl ctypes gevent pycurl bottle jinja2 fetcher.security.keyring",
        ),
        (WORKER, f"{RARE} {PATCHED_LATE} pycares protego warcio {OTHERS}"),
        (
            "import fetcher.__main__, fetcher.cli.run",
            "typing_extensions email difflib tomllib requests rich ssl",
        ),
        (HELP, "typing_extensions zmq rich ssl sqlite3 fetcher.cli.run fetcher.cli.export"),
    ],
    ids=["sink", "ventilator", "worker", "run", "help"],
)
def test_a_process_loads_nothing_that_it_rarely_needs(imports: str, unwanted: str) -> None:
    assert loaded(imports, unwanted) == []
