"""A refresh reads and keeps what the first job did, and says what it cannot take over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.errors import ConflictError
from fetcher.export.refresh import PreparedRefresh, RefreshRequest, prepare
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.protocol.output_spec import Output
from fetcher.settings import load
from fetcher.store import parent_files, parent_index
from fetcher.store.manifest import PARENT_NAME, SPOOL_NAME
from fetcher.store.reader import read_part
from support import outs
from support.crawl_outs import Page, make_crawl

LINES = 3


def given(**overrides: Any) -> load.Loaded:
    named = {key.replace("__", "."): (value, "--set") for key, value in overrides.items()}
    return load.load(environ={}, overrides=named)


def prepared(out: Path, *parents: Path, **more: Any) -> PreparedRefresh:
    settings = more.pop("settings", given())
    return prepare(out, RefreshRequest(parents, **more), settings)


def page(line: int) -> Any:
    changes = {"headers": [("ETag", "1")], "sha256": "0" * 64, "body_bytes": 1}
    return msgspec.structs.replace(outs.row(line), **changes)


def job(tmp_path: Path, output: Output | None = None, **more: Any) -> Path:
    """The OUT of a complete job."""
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    rows = [page(line) for line in range(1, LINES + 1)]
    return outs.make_out(tmp_path / "out", urls, rows, output=output or Output(), **more)


def test_rows_and_bodies_are_kept_as_before_unless_a_setting_says_otherwise(
    tmp_path: Path,
) -> None:
    out = job(tmp_path, Output(rows="msgpack", compression="zstd"))
    found = prepared(tmp_path / "a", out)
    assert (found.settings.output.rows, found.settings.output.compression) == ("msgpack", "zstd")
    other = prepared(tmp_path / "b", out, settings=given(output__rows="jsonl"))
    assert (other.settings.output.rows, other.settings.output.compression) == ("jsonl", "zstd")
    assert found.urlfile == tmp_path / "urls.txt"
    assert (found.refresh.parent, found.crawl) == (str(out), None)


def test_it_says_how_many_earlier_answers_have_validators(tmp_path: Path) -> None:
    out = job(tmp_path)
    assert prepared(tmp_path / "again", out).notice.startswith(
        "3 of 3 earlier answers have an ETag"
    )
    index = parent_index.load_index(tmp_path / "again" / PARENT_NAME)
    assert index.is_conditional


@pytest.mark.parametrize(
    ("kept", "settings", "why"),
    [
        ("none", {"output__bodies": "files"}, "no bodies in rows or files"),
        ("files", {"output__bodies": "warc"}, "no WARC records"),
        ("none", {"worker__handler": "mine:f"}, "worker.handler was '' .* another one now"),
        ("files", {"output__bodies": "inline"}, ""),
    ],
)
def test_what_cannot_be_taken_over_is_said_and_fetched_in_full(
    tmp_path: Path, kept: Any, settings: dict[str, Any], why: str
) -> None:
    out = job(tmp_path, Output(bodies=kept))
    found = prepared(tmp_path / "again", out, settings=given(**settings))
    index = parent_index.load_index(tmp_path / "again" / PARENT_NAME)
    assert index.is_conditional == (not why)
    if why:
        with pytest.raises(AssertionError, match=why):
            raise AssertionError(found.notice)


def test_a_link_to_an_out_is_recorded_by_where_it_leads(tmp_path: Path) -> None:
    out = job(tmp_path)
    (tmp_path / "latest").symlink_to(out)
    assert prepared(tmp_path / "again", tmp_path / "latest").refresh.parent == str(out)


def test_a_crawl_has_its_seeds_and_rules_again(tmp_path: Path) -> None:
    seed = "http://a.test/"
    rules = CrawlRules(depth=2)
    pages = {seed: Page((Link("http://a.test/1"),))}
    out = make_crawl(tmp_path / "out", pages, [seed, "not a url"], rules)
    found = prepared(tmp_path / "again", out)
    assert found.crawl == rules
    assert found.urlfile == tmp_path / "again" / SPOOL_NAME
    texts = found.urlfile.read_bytes().splitlines()
    assert [msgspec.json.decode(text)["url"] for text in texts] == [seed, "not a url"]
    with pytest.raises(ConflictError, match=r"crawl\.depth = 2, not 3 .*leave this setting out"):
        prepared(tmp_path / "b", out, settings=given(crawl__depth=3))


def test_the_folder_is_made_once_and_again_if_the_first_job_has_moved(tmp_path: Path) -> None:
    out, again = job(tmp_path), tmp_path / "again"
    prepared(again, out)
    parts = [read_part(out)]
    assert parent_files.are_of(again, parts)
    moved = out.rename(tmp_path / "moved")
    assert not parent_files.are_of(again, [read_part(moved)])
    parent_files.remove(again)
    assert not parent_files.are_of(again, [read_part(moved)])
