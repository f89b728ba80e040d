"""`fetcher links` prints the links of a crawl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.frontier.links import Link
from support import outs
from support.commands import run
from support.crawl_outs import Page, make_crawl

SEED, ONE = "http://a.test/", "http://a.test/1"
PAGES = {SEED: Page((Link(ONE), Link("http://b.test/"), Link("ftp://a.test/")))}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_crawl(tmp_path / "out", PAGES, [SEED])


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        ((), [ONE, "http://b.test/", "ftp://a.test/"]),
        (("--refused", "scope"), ["http://b.test/"]),
        (("--refused", "Invalid, depth,"), ["ftp://a.test/"]),
        (("--refused", "all"), ["http://b.test/", "ftp://a.test/"]),
        (("--refused", "depth"), []),
    ],
)
def test_links_are_printed_by_the_reason_of_their_refusal(
    out: Path, options: tuple[str, ...], urls: list[str]
) -> None:
    lines = run("links", out, *options).stdout.splitlines()
    assert [json.loads(line)["to_url"] for line in lines] == urls


def test_wrong_reasons_and_jobs_without_links_are_refused(out: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nonsense' is not a reason"):
        run("links", out, "--refused", "nonsense")
    with pytest.raises(UsageError, match="name at least one reason"):
        run("links", out, "--refused", ",")
    a_list = outs.make_out(tmp_path / "l", outs.write_input(tmp_path / "u", 1), [outs.row(1)])
    with pytest.raises(UsageError, match="is a list, and holds no links"):
        run("links", a_list)
