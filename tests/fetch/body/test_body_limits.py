"""The caps on a decoded body."""

from __future__ import annotations

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.body_limits import body_excess, ratio_excess
from fetcher.settings.schema import Http

MB = 1024 * 1024


def test_a_body_that_is_too_large_names_its_limit() -> None:
    failure = body_excess(Http(max_body_bytes=77))
    assert failure.kind is ErrorKind.LARGE_BODY
    assert failure.message == "body larger than http.max_body_bytes (77)"


@pytest.mark.parametrize(
    ("decoded", "received", "is_excess"),
    [
        (MB, 1, False),
        (MB + 1, 1, True),
        (10 * MB, MB, False),
        (10 * MB + 1, MB, True),
        (10 * MB, MB - 1, True),
    ],
)
def test_a_large_body_may_unpack_to_so_many_times_its_size(
    decoded: int, received: int, is_excess: bool
) -> None:
    failure = ratio_excess(decoded, received, Http(max_ratio=10))
    assert (failure is not None) == is_excess
    if failure is not None:
        assert failure.kind is ErrorKind.LARGE_RATIO
        assert "http.max_ratio (10)" in failure.message
