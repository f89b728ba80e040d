"""`fetcher keys` makes keys, and says where they belong."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import FetcherError
from support.commands import run


def test_init_makes_a_folder_for_each_role_and_says_where_to_copy_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    said = run("keys", "init", folder, "a", "b").stdout
    assert {path.name for path in (folder / "workers").iterdir()} == {"a", "b"}
    assert f"{folder}/ventilator      fetcher ventilator URLFILE --keys ventilator" in said
    assert said.count(str(folder)) == 5
    for role in ("ventilator", "sink"):
        assert {p.name for p in (folder / role / "allowed").iterdir()} >= {"a.key", "b.key"}


def test_add_worker_adds_to_both_lists(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    run("keys", "init", folder)
    said = run("keys", "add-worker", folder, "c").stdout
    assert said.startswith(f"For each new worker, from {folder}:")
    for role in ("ventilator", "sink"):
        assert (folder / role / "allowed" / "c.key").exists()


def test_keys_are_not_made_twice(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    run("keys", "init", folder, "a")
    with pytest.raises(FetcherError):
        run("keys", "init", folder)
    with pytest.raises(FetcherError):
        run("keys", "add-worker", folder, "a")
