"""The URL file: what it may be, how it is counted, and whether it is still the same."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from fetcher import bitset
from fetcher.errors import ConflictError, InputError
from fetcher.input.source import Source
from fetcher.input.source_info import SourceInfo


def written(tmp_path: Path, content: bytes) -> Source:
    path = tmp_path / "urls.txt"
    path.write_bytes(content)
    return Source(path)


def counted(source: Source) -> SourceInfo:
    *_, last = source.census()
    return last


def urls(source: Source, batch_size: int = 3) -> list[bytes]:
    return [
        url for batch in source.batches(batch_size) if batch.mask for url in batch.urls.split(b"\n")
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_census_and_the_reader_see_the_same_lines(tmp_path: Path, end: bytes) -> None:
    source = written(tmp_path, b"\xef\xbb\xbfhttp://a\r\n\n# c\n  http://b  \n\thttp://c" + end)
    assert urls(source) == [b"http://a", b"http://b", b"http://c"]
    info = counted(source)
    assert (info.url_lines, info.at_end, info.fraction) == (3, True, 1.0)
    assert info.checked_bytes == source.file_bytes


def test_a_large_file_is_counted_block_by_block(tmp_path: Path) -> None:
    source = written(tmp_path, b"http://a.invalid/%d\n" % 7 * 200_000)
    infos = list(source.census())
    assert len(infos) > 3
    assert [info.url_lines for info in infos] == sorted(info.url_lines for info in infos)
    assert infos[-1].url_lines == 200_000
    assert not infos[0].at_end and 0 < infos[0].fraction < 1
    total, exact = infos[0].total()
    assert total is not None and abs(total - 200_000) < 2000 and not exact


def test_gzip_is_read_also_in_several_members(tmp_path: Path) -> None:
    content = gzip.compress(b"http://a\nhttp://b\n", mtime=0) + gzip.compress(b"http://c\n")
    source = written(tmp_path, content)
    assert urls(source) == [b"http://a", b"http://b", b"http://c"]
    assert counted(source).url_lines == 3


@pytest.mark.parametrize("damage", ["short", "garbled"])
def test_damaged_gzip_is_an_error_of_the_census_and_of_the_reader(
    tmp_path: Path, damage: str
) -> None:
    lines = b"".join(b"http://%s.invalid/\n" % os.urandom(8).hex().encode() for _ in range(40_000))
    content = bytearray(gzip.compress(lines, mtime=0))
    if damage == "short":
        del content[-100:]
    else:
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    source = written(tmp_path, bytes(content))
    for read in (lambda: counted(source), lambda: urls(source)):
        with pytest.raises(InputError, match="damaged gzip data"):
            read()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01" + bytes(100), "a program"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "an image"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"BZh9" + bytes(20), "bzip2"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "zstd"),
        (b"\xfd7zXZ\x00", "xz"),
        ("http://a\n".encode("utf-16"), "UTF-16"),
        ("http://a\n".encode("utf-16-le"), "UTF-16"),
        ("http://a\nhttp://b/é\n".encode("utf-16-be") * 9, "UTF-16"),
        (gzip.compress("http://a\n".encode("utf-16-le"), mtime=0), "UTF-16"),
        (b"http://a\rhttp://b\r", "end with a carriage return alone (old Mac text)"),
        (b"# c\rhttp://a", "end with a carriage return alone"),
        (bytes(range(256)) * 20, "is binary"),
        (gzip.compress(bytes(5000), mtime=0), "is binary"),
        (gzip.compress(b"", mtime=0), "is empty"),
    ],
)
def test_a_file_that_is_not_a_list_of_urls_is_refused_by_name(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=r"urls\.txt: ") as caught:
        written(tmp_path, content)
    assert said in str(caught.value)


@pytest.mark.parametrize("garbage", [b"x", b"garbage", b"\x1f", b"http://c\n" * 99_999])
def test_other_bytes_after_gzip_data_are_an_error(tmp_path: Path, garbage: bytes) -> None:
    for count in (2, 20_000):  # where all of it is looked at to judge it, and where it is not
        content = gzip.compress(b"http://a\n" * count, mtime=0) + garbage
        with pytest.raises(InputError, match=r"urls\.txt: what follows its gzip data is not gzip"):
            counted(written(tmp_path, content))


def test_zeros_behind_gzip_data_are_padding(tmp_path: Path) -> None:
    source = written(tmp_path, gzip.compress(b"http://a\n", mtime=0) + bytes(512))
    assert urls(source) == [b"http://a"]


def test_single_nul_bytes_make_no_file_binary(tmp_path: Path) -> None:
    source = written(tmp_path, b"http://a/\x00\n" + b"http://b.invalid/some/path\n" * 20)
    assert len(urls(source)) == 21


def test_missing_files_directories_and_pipes_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Source(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a directory"):
        Source(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        Source(tmp_path / "pipe")


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    source = written(tmp_path, b"http://a\n" * 1000)
    for info in source.census():
        source.require_same(info, "out")
    packed = written(tmp_path, gzip.compress(b"http://a\n" * 1000, mtime=0))
    packed.require_same(counted(packed), "out")


@pytest.mark.parametrize("at", [0, 4500, 8999])
def test_changed_content_is_an_error(tmp_path: Path, at: int) -> None:
    content = bytearray(b"http://a\n" * 1000)
    info = counted(written(tmp_path, bytes(content)))
    content[at] ^= 1
    with pytest.raises(ConflictError, match="content has changed"):
        written(tmp_path, bytes(content)).require_same(info, "out")


def test_a_file_that_became_longer_or_shorter_is_an_error(tmp_path: Path) -> None:
    info = counted(written(tmp_path, b"http://a\n" * 10))
    for lines in (9, 11):
        with pytest.raises(ConflictError):
            written(tmp_path, b"http://a\n" * lines).require_same(info, "out")


def test_what_was_not_counted_yet_may_be_anything(tmp_path: Path) -> None:
    info = SourceInfo(checked_bytes=0, checked_sha256="")
    with pytest.raises(ConflictError):
        written(tmp_path, b"x").require_same(info, "out")
    first = next(written(tmp_path, b"http://a\n" * 500_000).census())
    written(tmp_path, b"http://a\n" * 400_000).require_same(first, "out")


class Third:
    """Every third line."""

    def mask(self, first_line: int, count: int) -> int:
        return sum(1 << k for k in range(count) if (first_line + k) % 3 == 0)


def test_all_readings_of_chosen_lines_agree_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://{n}\n" if n % 4 else "\n" for n in range(1, 40)))
    source = Source(path, selected=Third())
    expected = [(n, b"http://%d" % n) for n in range(3, 40, 3) if n % 4]
    assert list(source.url_lines()) == expected
    assert counted(source).url_lines == len(expected)
    assert counted(source).checked_sha256 == counted(Source(path)).checked_sha256
    found: list[tuple[int, bytes]] = []
    for batch in source.batches(5):
        numbers = [batch.first_line + k for k in bitset.offsets(batch.mask)]
        found += zip(numbers, batch.urls.split(b"\n") if batch.mask else [], strict=True)
    assert found == expected
