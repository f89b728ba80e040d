"""The files of a crawl keep exactly what was committed, and give it back at a restart."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
from msgspec.structs import replace

from fetcher.commit.committer import Committer
from fetcher.commit.growth import Growth
from fetcher.commit.levels import LevelGrowth
from fetcher.errors import ConflictError, DamageError
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import Chunk
from fetcher.protocol import links
from fetcher.protocol.shard import Share
from fetcher.roles.sink.crawl_recovery import growth_of
from fetcher.store import journal
from fetcher.store.output_dir import OutputDirectory, Store
from support.chunks import chunk_of_lines
from support.outs import BATCH, open_request, write_input

RULES = CrawlRules(scope="any")


class Sink:
    """The store and the committer of a crawl."""

    def __init__(self, out: Path, rules: CrawlRules, segment_bytes: int) -> None:
        urlfile = out.parent / "seeds.txt"
        if not urlfile.exists():
            write_input(urlfile, 3)
        request = open_request(urlfile)
        request = replace(request, input=replace(request.input, crawl=rules))
        self.directory = OutputDirectory(out)
        self.manifest = self.directory.begin(request)
        self.store = Store(out, self.manifest, segment_bytes)
        self.growth = growth_of(rules, self.store)
        self.committer = Committer(
            self.store, self.store.journal.recover(), self.manifest.job, "e", self.growth
        )

    def seed(self, *urls: str) -> None:
        texts = [log_lines.encode(LogLine(url)) for url in urls]
        self.growth.seeds(self.growth.committed.seeds, texts, at_end=True)
        self.committer.commit()

    def row(self, line: int, *found: Link) -> None:
        """The row of a line, which found these links; not committed yet."""
        first = (line - 1) // BATCH * BATCH + 1
        whole = chunk_of_lines(self.manifest.job, first, BATCH)
        index = line - first
        data = links.encode(links.PageLinks(found))
        start = sum(whole.row_bytes[:index])
        rows = whole.rows[start : start + whole.row_bytes[index]]
        chunk = Chunk(
            **{name: getattr(whole, name) for name in ("job", "batch", "batch_mask", "worker")},
            lines=[line],
            row_bytes=[len(rows)],
            outcomes=[0],
            statuses=[200],
            body_bytes=[1],
            rows=rows,
            depths=[0],
            links=data,
            link_bytes=[len(data)],
        )
        self.committer.offer(chunk, BATCH)

    def log(self) -> list[str]:
        count = self.growth.committed.lines
        texts = self.growth.files.log_texts(1, count + 1)
        return [log_lines.decode(text).url for text in texts]


@contextlib.contextmanager
def opened(out: Path, rules: CrawlRules = RULES, segment_bytes: int = 1 << 20) -> Iterator[Sink]:
    sink = Sink(out, rules, segment_bytes)
    try:
        yield sink
    finally:
        sink.store.close()
        sink.directory.close()


def edges_of(out: Path) -> list[object]:
    unpacker = msgpack.Unpacker()
    for path in sorted((out / "links").glob("part-*")):
        unpacker.feed(path.read_bytes())
    return list(unpacker)


def test_the_log_of_a_crawl_goes_on_after_a_restart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with opened(out) as sink:
        sink.seed("http://a.test/", "http://b.test/")
        sink.row(1, Link("http://a.test/1"), Link("http://b.test/"))
        sink.committer.commit()
    with opened(out) as sink:
        assert sink.growth.committed.has_all_seeds
        sink.row(2, Link("http://a.test/1"), Link("http://b.test/2"), Link("ftp://c.test/"))
        sink.committer.commit()
        assert sink.log() == [
            "http://a.test/",
            "http://b.test/",
            "http://a.test/1",
            "http://b.test/2",
        ]
    assert edges_of(out) == [
        [1, [3, 2], b"\x06"],
        [2, [3, 4, ["invalid", "ftp://c.test/", "a"]], b"\x06"],
    ]
    view = journal.view(out / "journal.sqlite")
    assert view.crawl is not None
    assert (view.crawl.lines, view.crawl.totals.links) == (4, 7)


def test_what_was_not_committed_is_cut_off_at_start(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with opened(out) as sink:
        sink.seed("http://a.test/")
        sink.row(1, Link("http://a.test/1"))
        sink.growth.write()  # and then the process dies
    with opened(out) as sink:
        assert sink.log() == ["http://a.test/"]
        sink.row(1, Link("http://a.test/2"), Link("http://a.test/1"))
        sink.committer.commit()
        assert sink.log() == ["http://a.test/", "http://a.test/2", "http://a.test/1"]
    assert edges_of(out) == [[1, [2, 3], b"\x06"]]


def test_a_crawl_may_have_several_files_of_each_kind(tmp_path: Path) -> None:
    out = tmp_path / "out"
    urls = [f"http://a.test/{n}" for n in range(40)]
    with opened(out, segment_bytes=50) as sink:
        sink.seed(urls[0])
        for line in range(1, 40):
            sink.row(line, Link(urls[line]))
            sink.committer.commit()
    with opened(out, segment_bytes=50) as sink:
        assert sink.log() == urls
        assert list(sink.growth.files.log_texts(7, 9)) == [
            log_lines.encode(LogLine(urls[6], 6, 1, "a")),
            log_lines.encode(LogLine(urls[7], 7, 1, "a")),
        ]
    for directory, kinds in (("frontier", ("jsonl", "keys")), ("links", ("msgpack",))):
        for kind in kinds:
            assert len(list((out / directory).glob(f"*.{kind}"))) > 2


def test_the_links_of_a_level_wait_for_its_end(tmp_path: Path) -> None:
    out, rules = tmp_path / "out", CrawlRules(scope="any", order="levels")
    with opened(out, rules) as sink:
        assert isinstance(sink.growth, LevelGrowth)
        sink.seed("http://a.test/", "http://b.test/")
        sink.row(2, Link("http://c.test/b"))
        sink.committer.commit()
        assert len(sink.log()) == 2
        sink.row(1, Link("http://c.test/a"), Link("http://d.test/", "redirect"))
        sink.growth.write()  # and then the process dies
    with opened(out, rules) as sink:
        sink.row(1, Link("http://c.test/a"), Link("http://d.test/", "redirect"))
        sink.committer.commit()
        assert sink.growth.extend()
        sink.committer.commit()
        assert sink.growth.committed.ready_lines == 2, "the level is not judged yet"
    with opened(out, rules) as sink:
        while sink.growth.extend() and sink.committer.commit() is not None:
            pass
        assert sink.log()[2:] == ["http://d.test/", "http://c.test/a", "http://c.test/b"]
    (left,) = (out / "frontier").glob("level-*")
    assert left.stat().st_size == 0, "what was judged is not kept"


@pytest.mark.parametrize("name", ["frontier/part-00000.keys", "frontier/part-00000.jsonl"])
@pytest.mark.parametrize("change", ["cut", "changed", "removed"])
def test_a_damaged_file_of_a_crawl_is_named(tmp_path: Path, name: str, change: str) -> None:
    out = tmp_path / "out"
    with opened(out) as sink:
        sink.seed("http://a.test/", "http://b.test/")
    path = out / name
    data = path.read_bytes()
    match change:
        case "cut":
            path.write_bytes(data[:-1])
        case "changed":
            path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case _:
            path.unlink()
    with pytest.raises(DamageError, match=path.name), opened(out):
        pass


def test_a_crawl_goes_on_with_its_own_rules_and_one_sink(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with opened(out) as sink:
        sink.seed("http://a.test/")
        request = open_request(tmp_path / "seeds.txt")
        with pytest.raises(ConflictError, match="as a crawl, and now it should be a list"):
            sink.directory.begin(request)
        other = CrawlRules(scope="any", depth=3)
        changed = replace(request, input=replace(request.input, crawl=other))
        with pytest.raises(ConflictError, match=r"another crawl\.depth \(1000, and now 3\)"):
            sink.directory.begin(changed)
        with pytest.raises(ConflictError, match="a crawl has one sink, and this is sink 2 of 2"):
            sink.directory.begin(replace(changed, share=Share(1, 2)))


def test_a_list_is_not_resumed_as_a_crawl(tmp_path: Path) -> None:
    request = open_request(write_input(tmp_path / "urls.txt", 3))
    with contextlib.closing(OutputDirectory(tmp_path / "out")) as directory:
        directory.begin(request)
        crawl = replace(request, input=replace(request.input, crawl=RULES))
        with pytest.raises(ConflictError, match="as a list, and now it should be a crawl"):
            directory.begin(crawl)


def test_growth_by_the_log_judges_nothing_at_the_end(tmp_path: Path) -> None:
    with opened(tmp_path / "out") as sink:
        assert type(sink.growth) is Growth
        assert not sink.growth.extend()
