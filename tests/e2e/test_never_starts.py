"""If a role can never start, the job is given up soon, and says once why."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from support import jobs
from support.waiting import wait_until

# Put on PYTHONPATH as `sitecustomize`, it is the first to run in each Python; sys.orig_argv
# says which process it is in.
_IN_ROLE = """
import sys
if any(part.endswith("{module}") for part in sys.orig_argv):
    {body}
"""
_WORKER, _SINK = "fetcher.roles.worker_main", "fetcher.roles.main"
_NO_ZMQ = "sys.modules['zmq'] = None  # an import of it is an ImportError"
_KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
_SMALL = "import resource; resource.setrlimit(resource.RLIMIT_AS, (60 << 20, 60 << 20))"


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, *options: str, module: str = _WORKER
) -> tuple[int, str, float]:
    """Exit code, stderr and seconds of a run in which each process of the role does `body`."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(_IN_ROLE.format(module=module, body=body))
    monkeypatch.setitem(jobs.ENV, "PYTHONPATH", f"{tmp_path / 'site'}:{jobs.ENV['PYTHONPATH']}")
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/"])
    began = time.monotonic()
    null = "--set=worker.transport=null"
    done = jobs.call("run", urls, "-o", tmp_path / "out", null, *options)
    return done.returncode, done.stderr, time.monotonic() - began


@pytest.mark.parametrize("workers", [1, 3])
def test_a_library_that_cannot_be_imported_is_one_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    code, error, took_s = run(tmp_path, monkeypatch, _NO_ZMQ, f"--workers={workers}")
    assert code == 1, error
    assert (
        error.count("Traceback")
        == error.count("ModuleNotFoundError: No module named 'zmq.green'")
        == 1
    )
    assert "no worker can start" in error.splitlines()[-1]
    assert "the lines above say why" in error
    assert "resumes" not in error
    assert took_s < 100, "twenty starts take minutes"


def test_a_sink_that_cannot_start_is_given_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, error, _ = run(tmp_path, monkeypatch, _NO_ZMQ, module=_SINK)
    assert code == 1, error
    assert error.count("Traceback") == 1
    assert "can start" in error.splitlines()[-1]


def test_a_python_that_is_killed_at_its_start_is_reported_with_its_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, error, _ = run(tmp_path, monkeypatch, _KILLED, "--workers=2")
    assert code == 1, error
    assert "(signal 11)" in error.splitlines()[-1]
    assert "they wrote nothing" in error


@pytest.mark.parametrize("module", [_WORKER, _SINK])
def test_a_process_that_ends_with_0_before_it_begins_has_not_done_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    code, error, took_s = run(tmp_path, monkeypatch, "import os; os._exit(0)", module=module)
    assert code == 1, error
    assert "can start: 3 in a row ended (exit code 0)" in error.splitlines()[-1]
    assert took_s < 60


def test_too_little_memory_to_start_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, error, _ = run(tmp_path, monkeypatch, _SMALL, "--workers=2")
    assert code == 1, error
    assert "no worker can start" in error.splitlines()[-1]


def test_json_log_lines_are_shown_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, error, _ = run(tmp_path, monkeypatch, _NO_ZMQ, "--workers=3", "--log-format=json")
    said = [json.loads(line) for line in error.splitlines()]
    assert code == said[-1]["exit_code"] == 1
    assert sum("Traceback" in str(each) for each in said) == 1


def test_a_role_that_was_ready_once_is_started_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first process of the worker works; the four after it end at their start.
    body = (
        "import pathlib; found = pathlib.Path({file!r}); "
        "n = int(found.read_text()) if found.exists() else 0; found.write_text(str(n + 1)); "
        "0 < n < 5 and sys.exit(1)"
    ).format(file=str(tmp_path / "starts"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(_IN_ROLE.format(module=_WORKER, body=body))
    monkeypatch.setitem(jobs.ENV, "PYTHONPATH", f"{tmp_path / 'site'}:{jobs.ENV['PYTHONPATH']}")
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/?ms=500"])
    options = ("--workers=1", f"--set=worker.transport={jobs.SLOW}", "--set=lease.silent_s=2")
    with jobs.running("run", urls, "-o", tmp_path / "out", *options) as job:
        wait_until(lambda: has_begun(job), what="a worker that is ready")
        assert job.kill("worker")
        code, _, error = job.wait(60)
    assert code == 0, error
    assert "can start" not in error


def has_begun(job: jobs.Running) -> bool:
    """Whether the worker has removed its spec."""
    return any(not Path(child.cmdline()[-1]).exists() for child in job.role("worker"))
