"""The retry of a crawl reads a copy of its log, and obeys robots.txt as the crawl did."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.export.crawl_retry import log_copy, not_followed
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.store.reader import Part, read_part
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


def test_the_hint_is_a_command_that_a_shell_understands() -> None:
    said = not_followed(Path("my out's"))
    command = shlex.split(said.partition(": ")[2])
    assert command[:3] == ["fetcher", "urls", "my out's"]
    assert command[-4:] == ["crawl", "-", "-o", "OUT"]
