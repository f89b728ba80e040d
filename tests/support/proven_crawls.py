"""A small crawl, and what `verify` finds in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from fetcher.frontier.links import Link
from fetcher.frontier.totals import Refusal
from fetcher.verify.audit import Audit, Report
from support.crawl_outs import Page, make_crawl

SITE: Final = "http://a.test"
HOME, ONE, TWO, MOVED, DEEP = (f"{SITE}/{path}" for path in ("", "1", "2", "moved", "deep/er"))
# In the order of the log: the home page, 1, 2, moved, deep.
PAGES = {
    HOME: Page((Link(ONE), Link(TWO), Link("http://b.test/")), left_out={Refusal.NOFOLLOW: 2}),
    ONE: Page((Link(HOME), Link(MOVED, "redirect"))),
    TWO: Page((Link(ONE),)),
    MOVED: Page((Link(DEEP), Link("http://b.test/"))),
}
LOG, KEYS = "frontier/part-00000.jsonl", "frontier/part-00000.keys"
LINKS, ROWS = "links/part-00000.msgpack", "results/part-00000.jsonl"


def whole(folder: Path) -> Path:
    """A complete crawl of five lines."""
    return make_crawl(folder / "out", PAGES, [HOME, f"{HOME}#again"])


def verdict(out: Path) -> Report:
    """What `verify` says."""
    return Audit([out], None).run()


def flipped(at: int) -> Callable[[bytes], bytes]:
    """Changes the byte at this place."""
    return lambda data: data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
