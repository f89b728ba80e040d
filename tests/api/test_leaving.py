"""Programs that leave a job in the middle: their exit, Ctrl-C, a fork; and odd ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

from support import jobs

BEGIN = """
import os, signal, sys, time
from fetcher.api import Job, fetch
from support.programs import SLOW, roles, urls

def begin(**more):
    rows = fetch(urls(2000, ms=100), settings=SLOW, **more)
    next(rows)
    print(*(child.pid for child in roles()), flush=True)
    return rows
"""


class Program:
    """A program of a user, in a process of its own; what it leaves behind is looked for."""

    def __init__(self, tmp_path: Path, text: str) -> None:
        self.temporary = tmp_path / "tmp"
        self.temporary.mkdir()
        path = tmp_path / "program.py"
        path.write_text(BEGIN + textwrap.dedent(text))
        self.process = subprocess.Popen(
            [sys.executable, path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**jobs.ENV, "TMPDIR": str(self.temporary)},
            cwd=tmp_path,
        )

    def roles(self) -> list[psutil.Process]:
        """As it says that they are."""
        assert self.process.stdout is not None
        pids = self.process.stdout.readline().split()
        assert len(pids) == 3, self.process.communicate(timeout=60)[1]
        return [psutil.Process(int(pid)) for pid in pids]

    def end(self) -> tuple[int, str, str]:
        """Its exit code, the rest of its output, its errors."""
        out, error = self.process.communicate(timeout=60)
        assert not list(self.temporary.iterdir()), error
        return self.process.returncode, out.strip(), error


def gone(children: list[psutil.Process]) -> bool:
    return not any(child.is_running() for child in children)


def test_the_interpreters_exit_ends_jobs_that_are_still_held(tmp_path: Path) -> None:
    program = Program(tmp_path, "held = begin(); sys.exit(7)")
    children = program.roles()
    assert program.end() == (7, "", "")
    assert gone(children)


def test_ctrl_c_is_a_keyboard_interrupt_as_ever_and_ends_the_job(tmp_path: Path) -> None:
    program = Program(tmp_path, "for row in begin(out='out'): pass")
    children = program.roles()
    program.process.send_signal(signal.SIGINT)
    code, _, error = program.end()
    assert code == -signal.SIGINT
    assert error.strip().endswith("KeyboardInterrupt")
    assert gone(children)
    assert 0 < jobs.committed(tmp_path / "out") < 2000


def test_a_fork_of_the_program_neither_ends_the_job_nor_waits_for_it(tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        """
        job = Job(urls(100, ms=20), settings=SLOW).start()
        rows = job.rows()
        next(rows)
        child = os.fork()
        if child == 0:
            try:
                next(rows), next(job.rows())
            except Exception as error:
                print(error)
            job.close()
            sys.exit(0)  # by way of all that is done at an exit
        assert os.waitpid(child, 0)[1] == 0
        print(1 + len(list(rows)))
        """,
    )
    code, out, error = program.end()
    assert (code, out.splitlines()) == (
        0,
        ["a job belongs to the process that started it; this is a fork of it", "100"],
    ), error


def test_signals_that_the_program_blocks_or_ignores_are_its_own_affair(tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(len(list(fetch(urls(30), settings=SLOW))))
        job = Job(urls(2000, ms=100), settings=SLOW)
        next(job.rows())
        began = time.monotonic()
        print(job.stop().state, time.monotonic() - began < 60)
        job.close()
        job = Job(urls(2000, ms=100), settings=SLOW)
        next(job.rows())
        sink = next(child for child in roles() if child.cmdline()[-1].endswith("sink.json"))
        sink.kill()
        try:
            job.wait()
        except Exception as error:
            print(type(error).__name__, "SIGCHLD" in str(error), job.progress.state)
        """,
    )
    code, out, error = program.end()
    assert (code, out.splitlines()) == (0, ["30", "stopped True", "FetcherError True failed"]), (
        error
    )


def test_a_process_that_gevent_has_patched_is_refused_with_a_hint_at_the_command(
    tmp_path: Path,
) -> None:
    (tmp_path / "patched.py").write_text(
        "from gevent import monkey; monkey.patch_all()\n"
        "from fetcher.api import fetch\n"
        "try: next(fetch(['http://test.invalid/']))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "patched.py"],
        env={**os.environ, **jobs.ENV},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("UsageError this process is patched by gevent")


def test_importing_it_loads_neither_gevent_nor_what_fetches() -> None:
    code = "import sys, fetcher.api; print({'gevent', 'pycurl', 'requests'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=jobs.ENV,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "set()\n"
