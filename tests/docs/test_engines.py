"""docs/engines.md: its commands for engines work, at a port of the test's."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.engines.slot_queues import queues_of
from fetcher.settings import load
from support import jobs
from support.documents import Reader, blocks
from support.engines import Mark, marked
from tools.ports import free_ports

GUIDE = (jobs.ROOT / "docs" / "engines.md").read_text("utf-8")


@pytest.fixture
def mark() -> Iterator[Mark]:
    with marked() as made:
        yield made


@pytest.mark.parametrize(("program", "port"), [("redis-server", "6379"), ("dask", "8786")])
def test_its_commands_with_a_cluster_work(
    mark: Mark, tmp_path: Path, program: str, port: str
) -> None:
    path = f"{Path(sys.executable).parent}:{mark.environ['PATH']}"
    if shutil.which(program, path=path) is None:
        pytest.skip(f"{program} is not installed")
    (block,) = re.findall(rf"^```console\n\$ {program} .*?^```\n", GUIDE, re.M | re.S)
    environ = {
        **mark.environ,
        "PATH": path,
        "FETCHER_WORKER__TRANSPORT": jobs.SLOW,
    }
    assert Reader(tmp_path, environ).follow(block.replace(port, str(free_ports(1)))) == 1


def test_its_workers_of_celery_serve_the_queues_of_the_routes_that_it_shows(tmp_path: Path) -> None:
    (table,) = (block.text for block in blocks(GUIDE) if block.file == "routes.toml")
    (commands,) = (block.text for block in blocks(GUIDE) if "-Q eu --concurrency" in block.text)
    (tmp_path / "routes.toml").write_text(table)
    workers = {"worker.processes": (16, "--workers"), "engine.name": ("celery", "--engine")}
    settings = load.load(tmp_path / "routes.toml", {}, arguments=workers).settings
    found = {each.name: str(each.workers) for each in queues_of(settings, has_queues=True)}
    assert found == dict(re.findall(r"-Q (\S+) --concurrency (\d+)", commands))
    assert "--workers 16" in commands


@pytest.mark.slow
def test_its_command_that_starts_a_ray_works(mark: Mark, tmp_path: Path) -> None:
    (command,) = (block.text for block in blocks(GUIDE) if "ray --workers 2 --quiet" in block.text)
    jobs.write_urls(tmp_path / "urls.txt", [f"http://test.invalid/{n}" for n in range(20)])
    reader = Reader(tmp_path, {**mark.environ, "FETCHER_WORKER__TRANSPORT": jobs.SLOW})
    assert reader.follow(f"```sh\n{command}\nfetcher verify out\n```\n") == 1


def test_the_schedule_that_it_shows_is_that_of_the_example() -> None:
    (shown,) = (block.text for block in blocks(GUIDE) if block.file == "celeryconfig.py")
    example = (jobs.ROOT / "conf" / "celery" / "celeryconfig.py").read_text("utf-8")
    for line in (
        '    "fetcher.start": {',
        '    "fetcher.refresh": {',
        '    "nightly": {',
        '        "args": [',
    ):
        wanted = next(each for each in shown.splitlines() if each.startswith(line))
        assert wanted in example
