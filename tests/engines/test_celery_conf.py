"""The examples of conf/celery: settings, beat's schedule, supervisor and systemd."""

from __future__ import annotations

import configparser
import contextlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import brokers, engines, jobs
from support.brokers import Broker
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until

CONF = jobs.ROOT / "conf" / "celery"
CELERY = f"{sys.executable} -m celery"
PROGRAM = "/opt/fetcher/bin/celery"
UNITS = sorted(CONF.glob("*.service"))
# The settings of the example, with a list and an OUT of the test's, and one job soon: each takes
# seconds of CPU time.
CONFIG = """
import datetime, runpy
from celery.schedules import schedule
class Once(schedule):
    def is_due(self, last_run_at):
        now = super().is_due(last_run_at)
        if now.is_due:
            self.run_every = datetime.timedelta(days=1)
        return now
globals().update(runpy.run_path({example!r}))
for entry in beat_schedule.values():
    entry["schedule"] = Once(datetime.timedelta(seconds=2))
    entry["args"] = [{urls!r}, {out!r}]
    entry["kwargs"]["settings"] |= {settings!r}
"""


@pytest.fixture
def mark() -> Iterator[Mark]:
    with marked() as made:
        yield made


@pytest.fixture
def broker(mark: Mark, tmp_path: Path) -> Iterator[Broker]:
    with brokers.redis(tmp_path, mark.environ) as running:
        yield running


def supervisor_conf(folder: Path) -> Path:
    """The example, with this installation's program, and as this user, in this folder."""
    text = (CONF / "supervisor.conf").read_text("utf-8")
    text = re.sub(r"^user=.*\n", "", text, flags=re.M).replace(PROGRAM, CELERY)
    text = text.replace("/etc/fetcher", str(folder)).replace("/var/lib/fetcher", str(folder))
    logs = text.replace(
        "redirect_stderr=true",
        f"redirect_stderr=true\nstdout_logfile={folder}/%(program_name)s.log",
    )
    path = folder / "supervisord.conf"
    own = f"[supervisord]\nnodaemon=true\nlogfile={folder}/supervisord.log\npidfile={folder}/pid\n"
    path.write_text(own + logs, "utf-8")
    return path


def test_beat_starts_a_whole_job_by_the_examples(
    mark: Mark, broker: Broker, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 100), tmp_path / "night-%Y"
    settings = {"worker.transport": jobs.SLOW, "job.batch_size": 10}
    example = str(CONF / "celeryconfig.py")
    (tmp_path / "celeryconfig.py").write_text(
        CONFIG.format(example=example, urls=str(urls), out=str(out), settings=settings), "utf-8"
    )
    environ = {**mark.environ, "CELERY_BROKER_URL": broker.url}
    conf = str(supervisor_conf(tmp_path))
    supervisor = [sys.executable, "-m", "supervisor.supervisord", "-c", conf]
    running = subprocess.Popen(supervisor, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL)

    def complete() -> list[Path]:
        return [
            path.parent
            for path in tmp_path.glob("night-*/manifest.json")
            if '"complete"' in path.read_text("utf-8")
        ]

    try:
        wait_until(complete, 90, f"the end of the job; see {tmp_path}")
        jobs.prove(complete()[0], urls)
        log = (tmp_path / "fetcher-slots.log").read_text("utf-8")
        assert "fetcher.serve" in log
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
        wait_until(lambda: not mark.processes("celery"), 60, "the end of what supervisor runs")
        wait_until(lambda: not mark.processes("fetcher.roles"), 60, "the end of all jobs")
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        running.wait()


def test_the_example_settings_serve_a_driver_of_this_folder(
    mark: Mark, broker: Broker, tmp_path: Path
) -> None:
    shutil.copy(CONF / "celeryconfig.py", tmp_path)
    environ = {**mark.environ, "CELERY_BROKER_URL": broker.url}
    engine = EngineUnderTest(mark, ("--engine=celery",))
    urls, out = engines.write_urls(tmp_path, 50), tmp_path / "out"
    with brokers.celery_worker(tmp_path, environ, broker, "-Qfetcher", "-c1"):
        done = subprocess.run(
            jobs.command(*engine.command(urls, out, 1)),
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            check=False,
            timeout=90,
        )
    assert done.returncode == 0, done.stderr
    jobs.prove(out, urls)


def test_supervisor_and_systemd_run_the_same_commands() -> None:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read(CONF / "supervisor.conf")
    by_supervisor = {parser[section]["command"] for section in parser.sections()}
    by_systemd = {
        line.partition("=")[2]
        for unit in UNITS
        for line in unit.read_text("utf-8").splitlines()
        if line.startswith("ExecStart=")
    }
    assert by_supervisor == by_systemd
    assert len(by_systemd) == len(UNITS) == 3


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (apt-get install systemd): units are NOT verified",
)
@pytest.mark.parametrize("unit", UNITS, ids=[path.name for path in UNITS])
def test_systemd_has_nothing_to_say_against_a_unit(tmp_path: Path, unit: Path) -> None:
    program = tmp_path / "celery"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / unit.name
    path.write_text(unit.read_text("utf-8").replace(PROGRAM, str(program)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "fetcher" in line] == []
