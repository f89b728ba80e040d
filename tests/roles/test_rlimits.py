"""How many files a worker needs, and the message if the limit is too low."""

from __future__ import annotations

import pytest

from fetcher.errors import ConfigError
from fetcher.roles.rlimits import files_needed, limit_for
from fetcher.settings.schema import Http, Settings, Worker


def settings(pool_size: int, connections: int) -> Settings:
    return Settings(worker=Worker(pool_size=pool_size), http=Http(max_connections=connections))


@pytest.mark.parametrize(
    ("pool_size", "connections", "least"), [(256, 0, 256), (10_000, 0, 10_000), (10, 5000, 5000)]
)
def test_connections_in_use_count_among_those_kept(
    pool_size: int, connections: int, least: int
) -> None:
    assert least < files_needed(settings(pool_size, connections)) < least + 500


def test_the_soft_limit_becomes_the_hard_one() -> None:
    assert limit_for(10_100, hard=20_000) == 20_000
    assert limit_for(10_100, hard=None) is None


def test_a_hard_limit_that_is_too_low_is_one_line_that_says_what_to_raise() -> None:
    with pytest.raises(ConfigError, match=r"10100 open files.*limit is 4096; raise it \(ulimit"):
        limit_for(10_100, hard=4096)
