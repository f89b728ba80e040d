"""Errors of the disk at single writes, and short ones, in all that a sink writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.faults import shim as shims
from tools.faults.disk_errors import PLACES, try_short_writes, try_write_error, write_errors
from tools.site.running import RunningSite

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shims.build(tmp_path_factory.mktemp("shim"))


def urls_of(site: RunningSite) -> list[str]:
    return [site.url(f"/page/{n}") for n in range(40)]


@needs_compiler
@pytest.mark.parametrize(("place", "at"), [("results", 2), ("WARC files", 3), ("journal", 12)])
def test_a_write_error_is_reported_and_loses_no_row(
    site: RunningSite, tmp_path: Path, library: Path, place: str, at: int
) -> None:
    assert try_write_error(tmp_path / "job", library, urls_of(site), place, at) == 5


@needs_compiler
@pytest.mark.parametrize("place", ["results", "body files", "journal"])
def test_short_writes_are_no_error(
    site: RunningSite, tmp_path: Path, library: Path, place: str
) -> None:
    try_short_writes(tmp_path / "job", library, urls_of(site), place)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("place", PLACES)
def test_an_error_at_every_write(
    site: RunningSite, tmp_path: Path, library: Path, place: str
) -> None:
    assert "(5)" in write_errors(tmp_path / "jobs", library, urls_of(site), place)
    try_short_writes(tmp_path / "short", library, urls_of(site), place)
