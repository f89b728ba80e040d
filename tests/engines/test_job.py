"""A job runs where its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from fetcher.engines import cluster, job, local
from fetcher.settings.schema import Settings


@pytest.mark.parametrize(("name", "place"), [("", "local"), ("command", "cluster")])
def test_an_engine_runs_the_workers_if_one_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = []
    for module, said in ((local, "local"), (cluster, "cluster")):
        monkeypatch.setattr(
            module, "run_job", lambda *given, said=said: calls.append((said, given))
        )
    settings = msgspec.convert({"engine": {"name": name}}, Settings)
    nothing = cast(Any, None)
    job.run_job(Path("u"), Path("o"), settings, nothing, nothing, command="c", input_name="n")
    ((said, given),) = calls
    assert said == place
    assert given[:9] == (Path("u"), Path("o"), settings, None, None, None, "c", "n", None)
    assert not any(given[9:])
