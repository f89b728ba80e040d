"""The retry of a crawl reads a copy of its log, and obeys robots.txt as the crawl did."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fetcher.errors import DamageError, UsageError
from fetcher.export.crawl_retry import log_copy, not_followed, refuse_urlfile, settings_of_retry
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.settings import load
from fetcher.settings.load import Value
from fetcher.store.reader import Part, read_part
from support import outs
from support.crawl_outs import Page, make_crawl

SEED = "http://a.test/"
PAGES = {SEED: Page((Link("http://a.test/1"), Link("http://a.test/2")))}


def crawl(tmp_path: Path, *, robots: bool = True) -> Part:
    return read_part(make_crawl(tmp_path / "crawl", PAGES, [SEED], CrawlRules(robots=robots)))


def test_the_copy_has_each_line_of_the_log_in_its_place(tmp_path: Path) -> None:
    part, out = crawl(tmp_path), tmp_path / "again"
    path = log_copy(out, part)
    assert path.parent == out
    log = b"".join(file.read_bytes() for file in sorted((part.out / "frontier").glob("*.jsonl")))
    assert path.read_bytes() == log
    assert len(log.splitlines()) == 3
    assert log_copy(out, part) == path, "the same again"


def test_a_damaged_log_is_not_copied(tmp_path: Path) -> None:
    part = crawl(tmp_path)
    (path,) = (part.out / "frontier").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DamageError):
        log_copy(tmp_path / "again", part)


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
    found = settings_of_retry(crawl(tmp_path, robots=of_crawl), given(**polite))
    assert found.polite.robots == robots


def test_the_retry_of_a_list_has_the_given_settings(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    part = read_part(outs.make_out(tmp_path / "out", urls, [outs.row(1)]))
    assert settings_of_retry(part, given()) == given().settings


def test_a_url_file_is_refused() -> None:
    refuse_urlfile(None)
    with pytest.raises(UsageError, match=r"^--urls u\.txt: the lines of a crawl are in its log"):
        refuse_urlfile(Path("u.txt"))


def test_the_hint_is_a_command_that_a_shell_understands() -> None:
    said = not_followed(Path("my out's"))
    command = shlex.split(said.partition(": ")[2])
    assert command[:3] == ["fetcher", "urls", "my out's"]
    assert command[-4:] == ["crawl", "-", "-o", "OUT"]
