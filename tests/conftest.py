"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.site.running import RunningSite


@pytest.fixture(scope="session")
def site() -> Iterator[RunningSite]:
    """The local web site, one for the whole run."""
    with RunningSite() as running:
        yield running
