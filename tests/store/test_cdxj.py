"""The index for replay has a line for each page, as replay programs expect it."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fetcher.commit.committer import Kept
from fetcher.errors import NoSpaceError
from fetcher.fetch.body.capture import Capture
from fetcher.model import Outcome
from fetcher.rows import warc
from fetcher.store import cdxj
from fetcher.store.bodies import WarcFiles
from fetcher.store.line_sorter import LineSorter
from support.warcs import read

INFO = "<urn:uuid:9a0d7a64-8f0c-4b63-8b8e-6a7d3b1e4c55>"


def tape(url: str, *lines: bytes, method: bytes = b"GET", status: bytes = b"200 OK") -> Capture:
    made = Capture(url, 1_700_000_000.75)
    made.head = [b"HTTP/1.1 " + status + b"\r\n", *(line + b"\r\n" for line in lines)]
    made.request = method + b" / HTTP/1.1\r\nHost: x\r\n\r\n"
    made.pieces = [url.encode()]
    made.is_whole = True
    return made


def written(out: Path, *tapes: Capture, file_bytes: int = 500) -> dict[str, int]:
    """A commit for each of these; their lengths, as the journal has them."""
    made = WarcFiles(out, file_bytes, {}, lambda name: warc.warcinfo(name, INFO))
    lengths: dict[str, int] = {}
    for line, each in enumerate(tapes, 1):
        records = warc.records([each], Outcome.OK, INFO)
        assert records is not None
        made.append([Kept(line, records.data)])
        lengths |= {state.name: state.length for state in made.states()}
        made.committed()
    made.close()
    return lengths


def index(out: Path) -> list[tuple[str, str, dict[str, str]]]:
    text = (out / "bodies" / "index.cdxj").read_text("ascii")
    parts = [line.split(" ", 2) for line in text.splitlines()]
    return [(key, at, json.loads(rest)) for key, at, rest in parts]


def build(out: Path, lengths: dict[str, int]) -> None:
    for _ in cdxj.build(out, lengths):
        pass


def test_each_page_has_its_line_sorted_by_its_key(tmp_path: Path) -> None:
    html = b"Content-Type: text/html; charset=utf-8"
    urls = ["https://www.example.com/b?z=1&a=2", "http://example.com/", "https://a.example.org/x"]
    lengths = written(tmp_path, *(tape(url, html) for url in urls))
    assert sum(name.endswith(".warc.gz") for name in lengths) > 1
    build(tmp_path, lengths)
    found = index(tmp_path)
    keys = ["com,example)/", "com,example)/b?a=2&z=1", "org,example,a)/x"]
    assert [key for key, _, _ in found] == keys
    assert [at for _, at, _ in found] == ["20231114221320"] * 3
    for _, _, page in found:
        assert (page["mime"], page["status"]) == ("text/html", "200")
        data = (tmp_path / "bodies" / page["filename"]).read_bytes()
        start = int(page["offset"])
        (record,) = read(data[start : start + int(page["length"])])
        assert record.headers["WARC-Target-URI"] == page["url"]
        assert record.headers["WARC-Payload-Digest"] == page["digest"]
        assert record.payload == page["url"].encode()


def test_answers_to_other_requests_are_no_pages(tmp_path: Path) -> None:
    methods = (b"POST", b"GET", b"HEAD", b"DELETE")
    tapes = [tape(f"http://a.invalid/{m.decode()}", method=m) for m in methods]
    unseen = tape("http://a.invalid/unseen")
    unseen.request = b""
    build(tmp_path, written(tmp_path, *tapes, unseen))
    assert [page["url"][17:] for _, _, page in index(tmp_path)] == ["GET", "unseen"]


ODD = ["http://a.invalid/a b", "http://[::1]:80/", "http://1.2.3.4/?q=%zz", "http://a.invalid/é"]


@pytest.mark.parametrize("url", [*ODD, "http://a.invalid/" + "x" * 5000, "http://:0"])
def test_any_url_has_a_line(tmp_path: Path, url: str) -> None:
    odd = tape(url, b"Content-Type: \xe4 ;", b"no colon", status=b"999")
    build(tmp_path, written(tmp_path, odd))
    ((key, _, page),) = index(tmp_path)
    assert key and (page["url"], page["status"]) == (url.replace(" ", "%20"), "999")


def test_an_archive_of_nothing_has_an_empty_index(tmp_path: Path) -> None:
    build(tmp_path, written(tmp_path))
    assert index(tmp_path) == []


def test_the_index_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = written(tmp_path, *(tape(f"http://a.invalid/{n}") for n in range(5)))
    steps = cdxj.build(tmp_path, lengths)
    for _ in range(len(read(_all(tmp_path))) + 2):
        next(steps)
    assert not (tmp_path / "bodies" / "index.cdxj").exists()
    del steps

    def full(*_: Any) -> Iterator[bytes]:
        yield b"one\n"
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(LineSorter, "lines", full)
        with pytest.raises(NoSpaceError):
            build(tmp_path, lengths)
    assert not (tmp_path / "bodies" / "index.cdxj").exists()
    build(tmp_path, lengths)
    assert len(index(tmp_path)) == 5
    assert not list((tmp_path / "bodies").glob("*.tmp"))


def _all(out: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((out / "bodies").glob("*.warc.gz")))
