"""An output directory belongs to one job, which is begun once and then found again."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from fetcher.commit.committer import Committer
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.refresh import Refresh
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.store import journal, manifest
from fetcher.store.output_dir import OutputDirectory, Store
from support.chunks import chunk_of_lines
from support.outs import small_open_request


def test_a_job_is_begun_once_and_found_again(tmp_path: Path) -> None:
    first = OutputDirectory(tmp_path / "out")
    made = first.begin(small_open_request())
    first.close()
    second = OutputDirectory(tmp_path / "out")
    assert second.manifest == made
    assert second.begin(small_open_request()).job == made.job
    second.close()


def test_other_input_is_another_job(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path / "out")
    directory.begin(small_open_request(10))
    with pytest.raises(ConflictError, match=r"/u has changed since .*10 bytes then, 11 now"):
        directory.begin(small_open_request(11))
    moved = small_open_request(11)
    moved = msgspec.structs.replace(
        moved, input=msgspec.structs.replace(moved.input, path="/other/u")
    )
    with pytest.raises(ConflictError, match="another job, begun on"):
        directory.begin(moved)
    directory.close()


def refreshing(parent_job: str) -> messages.Open:
    """The request of a refresh of this job; "": of no refresh."""
    request = small_open_request()
    refresh = Refresh("/first", parent_job) if parent_job else msgspec.UNSET
    return msgspec.structs.replace(
        request, input=msgspec.structs.replace(request.input, refresh=refresh)
    )


@pytest.mark.parametrize(
    ("begun", "now", "said"),
    [
        ("p", "", r"refreshes /first; resume it with `fetcher refresh /first -o .*out`"),
        ("p", "q", "refreshes /first"),
        ("", "p", "does not refresh another job; choose another OUT"),
    ],
)
def test_a_refresh_goes_on_with_the_same_job_before(
    tmp_path: Path, begun: str, now: str, said: str
) -> None:
    with closing(OutputDirectory(tmp_path / "out")) as directory:
        made = directory.begin(refreshing(begun))
        assert directory.begin(refreshing(begun)) == made
        with pytest.raises(ConflictError, match=said):
            directory.begin(refreshing(now))


def csv(*columns: str, keep: bool = False) -> LineFormat:
    return LineFormat("csv", ",", columns, "url", keep)


@pytest.mark.parametrize(
    ("begun", "now", "said"),
    [
        (TEXT, LineFormat("jsonl"), "lines of the format text, and now it is jsonl"),
        (csv("url", "a"), LineFormat("csv", ",", ("url", "a"), "a"), "URLs in 'a', other columns"),
        (csv("url", "a"), csv("url", "b"), "other columns than the first line"),
    ],
)
def test_a_job_is_refused_lines_of_another_format(
    tmp_path: Path, begun: LineFormat, now: LineFormat, said: str
) -> None:
    first = OutputDirectory(tmp_path / "out")
    first.begin(small_open_request(of=begun))
    first.close()
    second = OutputDirectory(tmp_path / "out")
    assert second.begin(small_open_request(of=begun)).input.format == begun
    with pytest.raises(ConflictError) as caught:
        second.begin(small_open_request(of=now))
    assert said in str(caught.value)
    second.close()


@pytest.mark.parametrize("keep", [True, False])
def test_a_job_keeps_the_columns_that_it_was_begun_with(tmp_path: Path, keep: bool) -> None:
    directory = OutputDirectory(tmp_path / "out")
    directory.begin(small_open_request(of=csv("url", "a", keep=keep)))
    again = directory.begin(small_open_request(of=csv("url", "a", keep=not keep)))
    assert again.input.format == csv("url", "a", keep=keep)
    directory.close()


def test_a_manifest_that_says_no_format_is_of_a_plain_list(tmp_path: Path) -> None:
    first = OutputDirectory(tmp_path / "out")
    first.begin(small_open_request())
    first.close()
    path = tmp_path / "out" / "manifest.json"
    text = json.loads(path.read_text())
    assert text["input"].pop("format") == {"kind": "text"}
    path.write_text(json.dumps(text))
    directory = OutputDirectory(tmp_path / "out")
    assert directory.begin(small_open_request()).input.format == TEXT
    directory.close()


def test_a_directory_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConflictError, match=r"thesis\.tex"):
        OutputDirectory(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b'{"job": 5}', b"\xff\xfe", b'{"job": "\xff"}']
)
def test_a_damaged_manifest_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / manifest.MANIFEST_NAME).write_bytes(content)
    with pytest.raises(DamageError):
        OutputDirectory(tmp_path)


def test_a_manifest_without_its_journal_is_damage(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path)
    directory.begin(small_open_request())
    directory.close()
    (tmp_path / manifest.JOURNAL_NAME).unlink()
    with pytest.raises(DamageError, match="journal"):
        OutputDirectory(tmp_path)


@pytest.mark.parametrize("left", ["rows", "source", "results alone"])
def test_work_without_its_manifest_is_damage_and_no_other_job_is_begun_there(
    tmp_path: Path, left: str
) -> None:
    directory = OutputDirectory(tmp_path)
    begun = directory.begin(small_open_request())
    with closing(Store(tmp_path, begun, 1000)) as store:
        if left == "source":
            store.journal.note(source=SourceInfo(10, "x", 2, True, 1.0), suspects=None)
        else:
            intake = Committer(store, store.journal.recover(), begun.job, "e")
            intake.offer(chunk_of_lines(begun.job, 1, 4, 2), 4)
            intake.commit()
    directory.close()
    (tmp_path / manifest.MANIFEST_NAME).unlink()
    if left == "results alone":
        (tmp_path / manifest.JOURNAL_NAME).unlink()
    for _ in range(2):
        with pytest.raises(DamageError, match=r"manifest\.json is missing.*restore it"):
            OutputDirectory(tmp_path)
        assert not (tmp_path / manifest.MANIFEST_NAME).exists()


def test_a_crash_before_the_manifest_leaves_a_directory_that_can_be_used(tmp_path: Path) -> None:
    for name in ("lock", "journal.sqlite", "manifest.json.tmp", "input.urls"):
        (tmp_path / name).touch()
    directory = OutputDirectory(tmp_path)
    directory.begin(small_open_request())
    directory.close()


def test_an_out_that_is_a_file_is_a_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="-o"):
        OutputDirectory(tmp_path / "file")


def test_a_store_and_an_intake_resume_where_they_were(tmp_path: Path) -> None:
    rows = b""
    for first in (1, 5, 9):
        directory = OutputDirectory(tmp_path)
        begun = directory.begin(small_open_request())
        job = begun.job
        store = Store(tmp_path, begun, 1 << 20)
        intake = Committer(store, store.journal.recover(), job, "epoch")
        new = chunk_of_lines(job, first, 4)
        rows += new.rows
        for chunk in (chunk_of_lines(job, 1, 4), new):  # the first batch again and again
            intake.offer(chunk, 4)
        intake.commit()
        store.segments.append([b"what a crash leaves behind"])
        store.close()
        directory.close()
    committed = journal.view(tmp_path / manifest.JOURNAL_NAME)
    assert committed.recovered.totals.rows == 12
    (length,) = committed.segments.values()
    assert (tmp_path / "results/part-00000.jsonl").read_bytes()[:length] == rows
