"""A short input gets one worker process; a long one is not read to its end to find out."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from fetcher.engines import sizing
from fetcher.errors import InputError
from fetcher.input.selection import Selection, Wanted
from fetcher.settings.schema import Settings


def settings(**values: dict[str, object]) -> Settings:
    return msgspec.convert({"job": {"batch_size": 10}, **values}, Settings)


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(4)))


def workers(path: Path, data: bytes, chosen: Settings | None = None) -> int:
    path.write_bytes(data)
    return sizing.workers_for(chosen or settings(), path, None)


@pytest.mark.parametrize(("lines", "expected"), [(1, 1), (9, 1), (10, 4), (11, 4)])
def test_fewer_lines_than_a_batch_need_one(tmp_path: Path, lines: int, expected: int) -> None:
    text = b"# a comment\n\n" + b"http://a.invalid/\n" * lines
    assert workers(tmp_path / "urls.txt", text) == expected
    assert workers(tmp_path / "urls.txt.gz", gzip.compress(text)) == expected


def test_records_are_counted_as_the_format_has_them(tmp_path: Path) -> None:
    assert workers(tmp_path / "a.csv", b"url\n" + b"http://a.invalid/\n" * 9) == 1
    assert workers(tmp_path / "a.csv", b"url\n" + b"http://a.invalid/\n" * 10) == 4
    assert workers(tmp_path / "a.jsonl", b'{"url": "http://a.invalid/"}\n' * 9) == 1


def test_what_the_settings_say_counts(tmp_path: Path) -> None:
    chosen = settings(worker={"processes": 3})
    assert workers(tmp_path / "urls.txt", b"http://a.invalid/\n", chosen) == 3


def test_a_long_file_of_few_lines_is_not_read_to_its_end(tmp_path: Path) -> None:
    comments = b"# nothing\n" * 800_000
    assert workers(tmp_path / "urls.txt", comments + b"http://a.invalid/\n") == 4
    broken = gzip.compress(comments, 0)[: 6 * 1024 * 1024]  # whose end cannot be read
    assert workers(tmp_path / "urls.txt.gz", broken) == 4


def test_a_retry_counts_the_lines_that_it_is_of(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_bytes(b"http://a.invalid/\n" * 1000)
    for lines, expected in ((3, 1), (10, 4)):
        few = Selection("out", "job", Wanted((), ()), lines, "")
        assert sizing.workers_for(settings(), path, few) == expected


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing"):
        sizing.workers_for(settings(), tmp_path / "nothing.txt", None)
