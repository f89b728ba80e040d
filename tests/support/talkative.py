"""A handler's module that prints, and runs code at exit."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

from fetcher.fetch.requests_compat.handler_page import Page

sys.stdout.write("no such file\n")
sys.stdout.flush()
os.write(1, b"nor such a function\n")


@atexit.register
def _last() -> None:
    sys.exit(2)


def facts(page: Page) -> dict[str, Any]:
    return {"line": page.result.line}
