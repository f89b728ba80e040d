"""A real browser without a window, where one is installed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Playwright's Chromium. Skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(_NAMES)} is installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path)
        try:
            yield opened
        finally:
            opened.close()
