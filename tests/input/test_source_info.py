"""How many URL lines a file has, as far as it was counted."""

from __future__ import annotations

import pytest

from fetcher.input.source_info import SourceInfo


@pytest.mark.parametrize(
    ("info", "total"),
    [
        (SourceInfo(), (None, False)),
        (SourceInfo(url_lines=7, fraction=1e-13), (None, False)),
        (SourceInfo(url_lines=7, fraction=0.25), (28, False)),
        (SourceInfo(url_lines=2, fraction=0.3), (7, False)),
        (SourceInfo(url_lines=7, fraction=1.0), (7, False)),
        (SourceInfo(url_lines=7, fraction=0.25, at_end=True), (7, True)),
        (SourceInfo(at_end=True), (0, True)),
    ],
)
def test_the_total_is_estimated_until_the_end_of_the_file(
    info: SourceInfo, total: tuple[int | None, bool]
) -> None:
    assert info.total() == total
