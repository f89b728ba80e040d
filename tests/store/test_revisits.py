"""Each body is in the WARC files once, also after failed commits and kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.commit.committer import Kept
from fetcher.errors import NoSpaceError, WireError
from fetcher.fetch.body.capture import Capture
from fetcher.model import Outcome
from fetcher.rows import archive, warc
from fetcher.rows.archive import Member
from fetcher.store.bodies import WarcFiles
from fetcher.store.revisits import Revisits
from fetcher.store.segments import Segments, SegmentState
from support.warcs import Record, read

INFO = "<urn:uuid:9a0d7a64-8f0c-4b63-8b8e-6a7d3b1e4c55>"


def packed(url: str, body: bytes, *, whole: bool = True, hop: bool = False) -> bytes:
    """A line's records, as a worker sends them."""
    tapes = []
    for each in ([f"{url}?hop"] if hop else []) + [url]:
        tape = Capture(each, 1_700_000_000.5)
        tape.head = [b"HTTP/1.1 200 OK\r\n", f"X-Url: {each}\r\n".encode()]
        tape.request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        tape.pieces, tape.is_whole, tape.remote_ip = [body], whole, "192.0.2.1"
        tapes.append(tape)
    made = warc.records(tapes, Outcome.OK, INFO, with_revisits=True)
    assert made is not None
    return archive.pack(made.members, made.data)


def files(
    out: Path, revisits: Revisits, states: dict[str, SegmentState] | None = None
) -> WarcFiles:
    return WarcFiles(out, 1 << 20, states or {}, lambda n: warc.warcinfo(n, INFO), revisits)


def commit(made: WarcFiles, *data: bytes) -> dict[str, SegmentState]:
    made.append([Kept(line, each) for line, each in enumerate(data, 1)])
    made.sync()
    states = {state.name: state for state in made.states()}
    made.committed()
    return states


def pages(out: Path) -> list[Record]:
    found = read((out / "bodies" / "part-00000.warc.gz").read_bytes())
    return [record for record in found if record.kind not in ("warcinfo", "request")]


def test_a_body_that_is_there_is_referred_to(tmp_path: Path) -> None:
    made = files(tmp_path, Revisits())
    commit(made, packed("http://a.invalid/1", b"same"), packed("http://a.invalid/2", b"same"))
    commit(made, packed("http://a.invalid/3", b"same"), packed("http://a.invalid/4", b"other"))
    made.close()
    first, *others, last = pages(tmp_path)
    assert [first.kind, last.kind] == ["response"] * 2
    for record in others:
        assert record.kind == "revisit"
        said = record.headers
        assert said["WARC-Profile"].endswith("/revisit/identical-payload-digest")
        assert said["WARC-Refers-To-Target-URI"] == "http://a.invalid/1"
        assert said["WARC-Refers-To-Date"] == first.headers["WARC-Date"]
        assert said["WARC-Payload-Digest"] == first.headers["WARC-Payload-Digest"]
        assert said["WARC-Warcinfo-ID"] == INFO and said["WARC-IP-Address"] == "192.0.2.1"
        assert record.block.endswith(b"\r\n\r\n")
        assert f"X-Url: {said['WARC-Target-URI']}\r\n".encode() in record.block


def test_hops_of_one_line_may_have_the_same_body(tmp_path: Path) -> None:
    made = files(tmp_path, Revisits())
    commit(made, packed("http://a.invalid/1", b"same", hop=True))
    made.close()
    assert [record.kind for record in pages(tmp_path)] == ["response", "revisit"]


def test_what_is_cut_or_empty_stands_for_itself(tmp_path: Path) -> None:
    made = files(tmp_path, Revisits())
    urls = [f"http://a.invalid/{n}" for n in range(3)]
    commit(made, *(packed(url, b"cut", whole=False) for url in urls))
    commit(made, *(packed(url, b"") for url in urls))
    made.close()
    assert {record.kind for record in pages(tmp_path)} == {"response"}


def test_a_commit_that_came_to_nothing_is_not_referred_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revisits = Revisits()
    made = files(tmp_path, revisits)
    one, two = packed("http://a.invalid/1", b"same"), packed("http://a.invalid/2", b"same")

    def full(_segments: Segments, _buffers: list[bytes]) -> None:
        raise NoSpaceError("full")

    with monkeypatch.context() as patched:
        patched.setattr(Segments, "_write", full)
        with pytest.raises(NoSpaceError):
            made.append([Kept(1, one)])
    commit(made, two)
    commit(made, one)
    made.close()
    assert [(r.kind, r.headers["WARC-Target-URI"][-1]) for r in pages(tmp_path)] == [
        ("response", "2"),
        ("revisit", "1"),
    ]


def test_what_a_killed_sink_had_written_and_not_committed_is_not_referred_to(
    tmp_path: Path,
) -> None:
    first = files(tmp_path, Revisits())
    lengths = commit(first, packed("http://a.invalid/1", b"one"))
    first.append([Kept(2, packed("http://a.invalid/2", b"two"))])
    first.close()
    second = files(tmp_path, Revisits(), lengths)
    commit(second, packed("http://a.invalid/3", b"two"), packed("http://a.invalid/4", b"two"))
    second.close()
    assert [(r.kind, r.headers["WARC-Target-URI"][-1]) for r in pages(tmp_path)] == [
        ("response", "1"),
        ("response", "3"),
        ("revisit", "4"),
    ]


def test_the_memory_of_bodies_is_bounded(tmp_path: Path) -> None:
    made = files(tmp_path, Revisits(most=2))
    for body in (b"a", b"b", b"a", b"c", b"a", b"b"):
        commit(made, packed(f"http://a.invalid/{body.decode()}", body))
    made.close()
    kinds = [record.kind for record in pages(tmp_path)]
    assert kinds == ["response", "response", "revisit", "response", "revisit", "response"]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\0\0",
        b"\0\0\0\1\x90x",
        b"\xff\xff\xff\xff" + b"x" * 50,
        archive.pack([Member(5)], b"four"),
        archive.pack([Member(3)], b"four"),
        archive.pack([], b"four"),
        archive.pack([Member(2), Member(3)], b"four"),
    ],
)
def test_what_no_worker_sends_is_refused(wrong: bytes) -> None:
    with pytest.raises(WireError):
        archive.unpack(wrong)
