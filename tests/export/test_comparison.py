"""Two runs are compared URL by URL."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.export.comparison import Answer, Change, differences, judge
from fetcher.export.merged import Merged
from fetcher.model import Outcome, Result
from support import outs

OK = Answer(1, "ok", 200, None, "aa", 10)
DEAD = Answer(1, "dns")


def failed(status: int) -> Answer:
    return Answer(1, "http_error", status, None, "bb", 3)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (None, OK, Change.NEW),
        (None, DEAD, Change.NEW),
        (OK, None, Change.GONE),
        (OK, OK, Change.SAME),
        (OK, replace(OK, line=7), Change.SAME),
        (OK, replace(OK, sha256="cc"), Change.CHANGED),
        (OK, replace(OK, final_url="http://a.test/2"), Change.MOVED),
        (OK, replace(OK, final_url="http://a.test/1"), Change.SAME),
        (replace(OK, final_url="http://a.test/2"), OK, Change.MOVED),
        # In a crawl, a row names the target of its redirect and does not follow it.
        (replace(OK, location="http://a.test/2"), OK, Change.MOVED),
        (
            replace(OK, location="http://a.test/2"),
            replace(OK, location="http://a.test/3"),
            Change.MOVED,
        ),
        (
            replace(OK, location="http://a.test/2"),
            replace(OK, final_url="http://a.test/2"),
            Change.SAME,
        ),
        (OK, failed(404), Change.GONE),
        (OK, failed(410), Change.GONE),
        (OK, failed(503), Change.FAILED),
        (OK, DEAD, Change.FAILED),
        (failed(404), OK, Change.RECOVERED),
        (failed(404), failed(404), Change.FAILING),
        (DEAD, failed(404), Change.FAILING),
        # Bodies that were cut have no digest.
        (replace(OK, sha256=None), replace(OK, sha256=None), Change.SAME),
        (replace(OK, sha256=None), replace(OK, sha256=None, body_bytes=11), Change.CHANGED),
    ],
)
def test_what_happened_to_a_url(old: Answer | None, new: Answer | None, change: Change) -> None:
    assert judge("http://a.test/1", old, new) is change


def make(tmp_path: Path, name: str, urls: list[str], *, digest: str = "aa") -> Path:
    """A complete OUT with an ok row for each of these URLs."""
    urlfile = tmp_path / f"{name}.txt"
    urlfile.write_text("".join(f"{url}\n" for url in urls))
    rows = [
        Result(line, url, Outcome.OK, 200, sha256=digest, body_bytes=3)
        for line, url in enumerate(urls, 1)
    ]
    return outs.make_out(tmp_path / name, urlfile, rows)


def test_a_redirect_of_a_crawl_that_leads_elsewhere_has_moved(tmp_path: Path) -> None:
    url = "http://a.test/r"
    urlfile = tmp_path / "urls.txt"
    urlfile.write_text(f"{url}\n")
    row = Result(1, url, Outcome.OK, 302, sha256="aa", body_bytes=0)
    old, new = (
        Merged(
            [
                outs.make_out(
                    tmp_path / name, urlfile, [replace(row, location=f"http://a.test/{name}")]
                )
            ],
            partial=False,
        )
        for name in ("r2", "r3")
    )
    (found,) = differences(old, new)
    assert found.change is Change.MOVED
    assert found.new is not None
    assert found.new.location == "http://a.test/r3"


def test_inputs_may_differ_and_repeated_urls_are_paired_in_order(tmp_path: Path) -> None:
    old = make(tmp_path, "old", ["http://b.test/", "http://a.test/", "http://a.test/"])
    new = make(tmp_path, "new", ["http://a.test/", "http://c.test/", "http://b.test/"])
    found = list(differences(Merged([old], partial=False), Merged([new], partial=False)))
    assert [
        (each.url, each.change.value, each.old and each.old.line, each.new and each.new.line)
        for each in found
    ] == [
        ("http://a.test/", "same", 2, 1),
        ("http://a.test/", "gone", 3, None),
        ("http://b.test/", "same", 1, 3),
        ("http://c.test/", "new", None, 2),
    ]
