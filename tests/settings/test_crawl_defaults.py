"""A crawl obeys robots.txt unless a setting says otherwise."""

from __future__ import annotations

import pytest

from fetcher.errors import ConfigError
from fetcher.settings import load
from fetcher.settings.crawl_defaults import of_crawl


@pytest.mark.parametrize(
    ("given", "robots"),
    [
        ({}, True),
        ({"FETCHER_POLITE__ROBOTS": "false"}, False),
        ({"FETCHER_POLITE__ROBOTS": "true"}, True),
        ({"FETCHER_POLITE__ENABLED": "false"}, False),
    ],
)
def test_robots_are_obeyed_by_default(given: dict[str, str], robots: bool) -> None:
    loaded = load.load(None, given)
    found = of_crawl(loaded)
    assert found.settings.polite.robots is robots
    assert found.origins == loaded.origins, "a default is no given setting"


def test_all_other_settings_stay() -> None:
    loaded = load.load(None, {"FETCHER_POLITE__DELAY_S": "3", "FETCHER_CRAWL__DEPTH": "2"})
    found = of_crawl(loaded).settings
    assert (found.polite.delay_s, found.crawl.depth) == (3.0, 2)
    assert found.http == loaded.settings.http


@pytest.mark.parametrize("name", ["@track", "@", "@tracking*"])
def test_only_the_known_list_of_parameters_begins_with_an_at_sign(name: str) -> None:
    load.load(None, {"FETCHER_CRAWL__DROP_PARAMS": '["@tracking", "utm_*", "sid"]'})
    with pytest.raises(ConfigError, match=r"crawl\.drop_params.*@tracking"):
        load.load(None, {"FETCHER_CRAWL__DROP_PARAMS": f'["{name}"]'})
