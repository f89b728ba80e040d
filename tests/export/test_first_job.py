"""What a retry and a refresh take from the first job."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.export.first_job import refuse_urlfile, with_robots
from fetcher.frontier.rules import CrawlRules
from fetcher.settings import load
from fetcher.settings.load import Value
from fetcher.store.reader import Part, read_part
from support import outs
from support.crawl_outs import Page, make_crawl

SEED = "http://a.test/"


def crawl(tmp_path: Path, *, robots: bool = True) -> Part:
    pages = {SEED: Page()}
    return read_part(make_crawl(tmp_path / "crawl", pages, [SEED], CrawlRules(robots=robots)))


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
    found = with_robots(crawl(tmp_path, robots=of_crawl).manifest, given(**polite))
    assert found.polite.robots == robots


def test_the_retry_of_a_list_has_the_given_settings(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    part = read_part(outs.make_out(tmp_path / "out", urls, [outs.row(1)]))
    assert with_robots(part.manifest, given()) == given().settings


def test_a_url_file_is_refused() -> None:
    refuse_urlfile(None)
    with pytest.raises(UsageError, match=r"^--urls u\.txt: the lines of a crawl are in its log"):
        refuse_urlfile(Path("u.txt"))
