"""A retry and a refresh read lines as the first job read them, and obey robots.txt as it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.export.first_job import refuse_urlfile, with_input, with_robots
from fetcher.frontier.rules import CrawlRules
from fetcher.settings import load
from fetcher.settings.load import Value
from fetcher.settings.schema import Input, Settings
from fetcher.store.manifest import Manifest
from fetcher.store.reader import read_part
from support import outs
from support.crawl_outs import Page, make_crawl

SEED = "http://a.test/"


def crawl(tmp_path: Path, *, robots: bool = True) -> Manifest:
    rules = CrawlRules(robots=robots)
    return read_part(make_crawl(tmp_path / "crawl", {SEED: Page()}, [SEED], rules)).manifest


def given(**polite: Value) -> load.Loaded:
    return load.load(
        environ={}, overrides={f"polite.{key}": (of, "--set") for key, of in polite.items()}
    )


@pytest.mark.parametrize(
    ("of_crawl", "polite", "robots"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"robots": False}, False),
        (False, {"robots": True}, True),
        (True, {"enabled": False}, False),
        (True, {"delay_s": 1.0}, True),
    ],
)
def test_robots_are_obeyed_as_in_the_crawl_unless_a_setting_says_otherwise(
    tmp_path: Path, of_crawl: bool, polite: dict[str, Value], robots: bool
) -> None:
    found = with_robots(crawl(tmp_path, robots=of_crawl), given(**polite))
    assert found.polite.robots == robots


def test_a_list_has_the_given_settings(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    part = read_part(outs.make_out(tmp_path / "out", urls, [outs.row(1)]))
    assert with_robots(part.manifest, given()) == given().settings


def test_a_url_file_is_refused() -> None:
    refuse_urlfile(None)
    with pytest.raises(UsageError, match=r"^--urls u\.txt: the lines of a crawl are in its log"):
        refuse_urlfile(Path("u.txt"))


def test_the_lines_of_a_crawl_are_those_of_a_log(tmp_path: Path) -> None:
    assert with_input(Settings(), crawl(tmp_path)).input == Input(format="log")
