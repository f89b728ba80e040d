"""The links of a crawl, as JSON lines and as tables."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pyarrow.parquet
import pytest

from fetcher.cli.main import cli
from fetcher.errors import DamageError, UsageError
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from support import jobs, outs
from support.crawl_outs import Page, make_crawl, rewrite

SITE = "http://a.test"
PAGES = {
    f"{SITE}/": Page(
        (
            Link(f"{SITE}/1"),
            Link(f"{SITE}/2", "frame"),
            Link("http://b.test/"),
            Link("ftp://a.test/"),
        ),
        left_out={Refusal.NOFOLLOW: 3},
    ),
    f"{SITE}/1": Page((Link(f"{SITE}/"), Link(f"{SITE}/2"), Link(f"{SITE}/\u00e9?q=1"))),
    f"{SITE}/2": Page((Link(f"{SITE}/2"), Link("http://b.test/"))),
}
ALL = [
    {"from": 1, "from_url": f"{SITE}/", "to": 2, "to_url": f"{SITE}/1", "via": "a"},
    {"from": 1, "from_url": f"{SITE}/", "to": 3, "to_url": f"{SITE}/2", "via": "frame"},
    {"from": 1, "from_url": f"{SITE}/", "to_url": "http://b.test/", "via": "a", "refused": "scope"},
    {
        "from": 1,
        "from_url": f"{SITE}/",
        "to_url": "ftp://a.test/",
        "via": "a",
        "refused": "invalid",
    },
    {"from": 2, "from_url": f"{SITE}/1", "to": 1, "to_url": f"{SITE}/", "via": "a"},
    {"from": 2, "from_url": f"{SITE}/1", "to": 3, "to_url": f"{SITE}/2", "via": "a"},
    {"from": 2, "from_url": f"{SITE}/1", "to": 4, "to_url": f"{SITE}/\u00e9?q=1", "via": "a"},
    {"from": 3, "from_url": f"{SITE}/2", "to": 3, "to_url": f"{SITE}/2", "via": "a"},
    {
        "from": 3,
        "from_url": f"{SITE}/2",
        "to_url": "http://b.test/",
        "via": "a",
        "refused": "scope",
    },
]
COLUMNS = ["from", "from_url", "to", "to_url", "via", "refused"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete crawl whose log and links lie in several files."""
    return make_crawl(tmp_path_factory.mktemp("c") / "out", PAGES, [f"{SITE}/"], segment_bytes=30)


def call(*arguments: object) -> None:
    """In this process."""
    cli.main([str(each) for each in arguments], standalone_mode=False)


def printed(*arguments: object) -> list[dict[str, object]]:
    done = jobs.call("links", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_links_prints_each_link_and_what_became_of_it(out: Path) -> None:
    assert len(list((out / "links").iterdir())) > 1
    assert len(list((out / "frontier").glob("*.jsonl"))) > 1
    assert printed(out) == ALL
    assert printed(out, "--refused", "scope") == [ALL[2], ALL[8]]
    assert printed(out, "--refused", "all") == [ALL[2], ALL[3], ALL[8]]


def as_text(value: object) -> str:
    return "" if value is None else str(value)


def test_all_formats_of_export_hold_the_same_links(out: Path, tmp_path: Path) -> None:
    wanted = [tuple(link.get(name) for name in COLUMNS) for link in ALL]
    for suffix in ("csv", "jsonl", "parquet", "sqlite"):
        call("export", out, "--links", "-o", tmp_path / f"links.{suffix}", "--quiet")
    with (tmp_path / "links.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == COLUMNS
    assert [tuple(row) for row in rows] == [tuple(map(as_text, row)) for row in wanted]
    lines = (tmp_path / "links.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == ALL
    table = pyarrow.parquet.read_table(tmp_path / "links.parquet")
    assert [tuple(row.values()) for row in table.to_pylist()] == wanted
    assert str(table.schema.field("to").type) == "int64"
    db = sqlite3.connect(tmp_path / "links.sqlite")
    assert db.execute("SELECT * FROM links ORDER BY rowid").fetchall() == wanted
    assert len(db.execute("PRAGMA index_list(links)").fetchall()) == 2
    db.close()


def test_export_of_links_takes_columns_and_conditions(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "to.csv"
    options = ("--columns", "from,to", "--where", "refused=", "--where", "from<3", "--quiet")
    call("export", out, "--links", "-o", path, *options)
    assert path.read_text() == "from,to\n1,2\n1,3\n2,1\n2,3\n2,4\n"


def test_the_links_of_a_crawl_by_levels_have_their_targets(tmp_path: Path) -> None:
    pages = {
        f"{SITE}/": Page((Link(f"{SITE}/1"), Link(f"{SITE}/home", "redirect"))),
        f"{SITE}/home": Page((Link(f"{SITE}/1"),)),
    }
    out = make_crawl(tmp_path / "out", pages, [f"{SITE}/"], CrawlRules(order="levels"))
    found = {(each["from_url"], each["to_url"]) for each in printed(out)}
    assert found == {(url, link.url) for url, page in pages.items() for link in page.links}


def test_a_crawl_that_has_not_ended_has_the_links_so_far(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [f"{SITE}/"], most_rows=1)
    assert printed(out) == ALL[:4]
    path = tmp_path / "links.jsonl"
    with pytest.raises(UsageError, match="has not ended"):
        call("export", out, "--links", "-o", path)
    call("export", out, "--links", "-o", path, "--partial", "--quiet")
    assert len(path.read_text().splitlines()) == 4


def test_damaged_links_end_with_a_message_that_names_the_file(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [f"{SITE}/"])
    path = out / "links" / "part-00000.msgpack"
    whole = path.read_bytes()
    path.write_bytes(whole[:1] + b"\xc1" + whole[2:])
    with pytest.raises(DamageError, match=r"part-00000\.msgpack: byte 0 is not a record"):
        call("links", out)
    path.write_bytes(whole.replace(b"scope", b"scopf"))
    with pytest.raises(DamageError, match=r"part-00000\.msgpack: its bytes are not those"):
        call("links", out)
    path.write_bytes(whole)
    rewrite(
        out,
        "links/part-00000.msgpack",
        lambda data: data.replace(b"\x93\x01\x03\x04", b"\x93\x01\x03\x63"),
    )
    with pytest.raises(DamageError, match="a link leads to line 99, and the log has 4 lines"):
        call("links", out)


def test_jobs_without_links_and_wrong_options_are_refused(tmp_path: Path, out: Path) -> None:
    rows = [outs.row(line) for line in (1, 2)]
    a_list = outs.make_out(tmp_path / "list", outs.write_input(tmp_path / "urls.txt", 2), rows)
    with pytest.raises(UsageError, match="is a list, and holds no links"):
        call("links", a_list)
    rules = CrawlRules(keep_links=False)
    without = make_crawl(tmp_path / "out", PAGES, [f"{SITE}/"], rules)
    with pytest.raises(UsageError, match=r"crawl\.keep_links = false"):
        call("export", without, "--links", "-o", tmp_path / "x.csv")
    with pytest.raises(UsageError, match="'nonsense' is not a reason; they are all, invalid"):
        call("links", out, "--refused", "nonsense")
    for options, said in (
        (("--sort", "line"), "--sort does not go with --links"),
        (("--outcome", "ok"), "--outcome does not go with --links"),
        (("--columns", "status"), "links have no column 'status'"),
        (("--where", "status=200"), "links have no column 'status'"),
        (("--files", tmp_path / "f"), "--links does not go with --files"),
    ):
        with pytest.raises(UsageError, match=said):
            call("export", out, "--links", "-o", tmp_path / "x.csv", *options)
    with pytest.raises(UsageError, match="name one OUT"):
        call("export", out, without, "--links", "-o", tmp_path / "x.csv")
    assert not list(tmp_path.glob("x.csv*"))
