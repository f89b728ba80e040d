"""Files of others are what their authors gave out."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest

DIGESTS = {
    "uplot/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_vendored_file_is_unchanged(name: str) -> None:
    file = resources.files("fetcher.vendor").joinpath(name)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == DIGESTS[name]
    assert file.parent.joinpath("LICENSE").is_file()  # type: ignore[attr-defined]
