"""A job runs where its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from fetcher.engines import cluster, job, local
from fetcher.settings.schema import Settings
from fetcher.store import parent_files

Call = tuple[str, tuple[Any, ...]]
NOTHING = cast(Any, None)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The jobs that are run, and where."""
    made: list[Call] = []
    for module, said in ((local, "local"), (cluster, "cluster")):
        monkeypatch.setattr(module, "run_job", lambda *given, said=said: made.append((said, given)))
    return made


def run(engine: str, out: Path = Path("o"), **said: Any) -> None:
    settings = msgspec.convert({"engine": {"name": engine}}, Settings)
    job.run_job(Path("u"), out, settings, NOTHING, NOTHING, command="c", **said)


@pytest.mark.parametrize(("engine", "place"), [("", "local"), ("command", "cluster")])
def test_an_engine_runs_the_workers_if_one_is_named(
    calls: list[Call], engine: str, place: str
) -> None:
    run(engine, input_name="n")
    ((found, given),) = calls
    assert found == place
    assert (given[:2], given[5:9]) == ((Path("u"), Path("o")), (None, "c", "n", None))


@pytest.mark.parametrize("engine", ["", "command"])
def test_what_a_refresh_needs_of_the_earlier_job_is_removed_at_its_end(
    calls: list[Call], tmp_path: Path, engine: str
) -> None:
    refresh, folder = object(), parent_files.folder_of(tmp_path)
    folder.mkdir()
    run(engine, out=tmp_path, refresh=refresh)
    assert calls[0][1][-1] is refresh
    assert not folder.exists()
