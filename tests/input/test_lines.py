"""What is a line, a URL line, a batch."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher import bitset
from fetcher.input import lines
from fetcher.input.lines import MAX_LINE_BYTES


def read(data: bytes, size: int = 1 << 16) -> list[bytes]:
    return [line for block in lines.read_lines(io.BytesIO(data), size) for line in block]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_reading_in_blocks_of_any_size_is_the_same_as_splitting(data: bytes, size: int) -> None:
    wanted = [line.removeprefix(lines.BOM) for line in data.split(b"\n")]
    if not wanted[-1]:
        wanted.pop()
    assert read(data, size) == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_joined_files_have_no_bom_left_in_their_middle(size: int) -> None:
    part = lines.BOM + b"http://a\n"
    long = b"x" * (MAX_LINE_BYTES + 5)
    data = part * 2 + lines.BOM + part + b"b\xef\xbb\xbfc\n" + lines.BOM + long + b"\n" + lines.BOM
    first, second, third, inner, last = read(data, size)
    assert {first, second, third} == {b"http://a"}
    assert inner == b"b\xef\xbb\xbfc"
    assert last == long[: MAX_LINE_BYTES + 1]


def test_a_line_longer_than_the_limit_is_cut_and_stays_recognisable() -> None:
    data = b"first\n" + b"x" * (3 * MAX_LINE_BYTES) + b"\nlast"
    for size in (100, 1 << 16, 1 << 20):
        first, long, last = read(data, size)
        assert (first, last) == (b"first", b"last")
        assert len(long) == MAX_LINE_BYTES + 1
    task = lines.task_of(2, long)
    assert task.fault is not None and "longer than" in task.fault.message
    assert len(task.url) == MAX_LINE_BYTES


def test_a_line_without_end_does_not_grow_in_memory() -> None:
    class Endless:
        left = 2000

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            return b"x" * size if self.left > 0 else b""

    (line,) = [line for block in lines.read_lines(Endless(), 10_000) for line in block]
    assert len(line) == MAX_LINE_BYTES + 1


def test_blank_and_comment_lines_are_no_url_lines_and_white_space_is_stripped() -> None:
    raw = [b"http://a", b"", b"  \t", b"# no", b"   # no\r", b"  http://b \r", b"\r"]
    assert lines.url_lines(raw) == [b"http://a", b"", b"", b"", b"", b"http://b", b""]


def test_a_line_with_a_carriage_return_inside_is_never_lost_and_says_so() -> None:
    for raw in (b"# c\rhttp://a", b"http://a\rhttp://b"):
        assert lines.url_lines([raw]) == [raw]
        task = lines.task_of(1, raw)
        assert task.url == raw.decode()
        assert task.fault is not None and task.fault.message.startswith(
            "a carriage return (0x0d) inside"
        )


@given(st.lists(st.sampled_from([b"", b"# c", b"u", b" v "]), max_size=40), st.integers(1, 9))
def test_batches_cover_every_line_once_in_order(raw: list[bytes], size: int) -> None:
    made = list(lines.batches([raw], size))
    assert [batch.id for batch in made] == list(range(-(-len(raw) // size)))
    found = {}
    for batch in made:
        assert batch.first_line == batch.id * size + 1
        texts = batch.urls.split(b"\n") if batch.mask else []
        for offset, text in zip(bitset.offsets(batch.mask), texts, strict=True):
            found[batch.first_line + offset] = text
    wanted = {n: t.strip() for n, t in enumerate(raw, 1) if t.strip() and t.strip()[:1] != b"#"}
    assert found == wanted


@given(st.data())
def test_select_takes_the_lines_of_the_mask(data: st.DataObject) -> None:
    raw = data.draw(st.lists(st.sampled_from([b"", b"a", b"b", b"c"]), min_size=1, max_size=20))
    batch = lines.make_batch(0, 20, lines.url_lines(raw))
    wanted = data.draw(st.sets(st.sampled_from(list(bitset.offsets(batch.mask)) or [0])))
    mask = bitset.mask_of(wanted) & batch.mask
    chosen = lines.select(batch.urls, batch.mask, mask)
    assert chosen == b"\n".join(raw[offset] for offset in bitset.offsets(mask))


def test_bytes_that_are_no_utf_8_become_a_task_with_a_fault_that_says_where() -> None:
    task = lines.task_of(7, b"http://a/\xff\xfe")
    assert task.url == "http://a/\\xff\\xfe"
    assert task.fault == ("encoding", "not valid UTF-8 (byte 0xff at 9)")
    assert lines.task_of(7, "http://ä/".encode()).fault is None


def test_fingerprints_tell_line_and_text_apart() -> None:
    made = {lines.fingerprint(line, text) for line in (1, 12) for text in ("a", "b", "2 a", " a")}
    assert len(made) == 8
    named = {lines.fingerprint(1, "a", name) for name in (None, "", 1, "1", "2")}
    assert len(named | made) == 12
    swapped = lines.fingerprint(1, "b") + lines.fingerprint(2, "a")
    assert swapped != lines.fingerprint(1, "a") + lines.fingerprint(2, "b")


@pytest.mark.parametrize("size", [1, 7, 500])
def test_a_file_of_only_comments_gives_batches_without_lines(size: int) -> None:
    made = list(lines.batches([[b"# a", b"", b"#"]], size))
    assert made
    assert all(batch.mask == 0 and batch.urls == b"" for batch in made)


@given(st.integers(0, 255), st.integers(1, 255))
def test_texts_of_two_sets_of_lines_are_merged_in_order(mask: int, others: int) -> None:
    def texts(of: int, kind: bytes) -> list[bytes]:
        return [b"%s%d" % (kind, offset) for offset in bitset.offsets(of)]

    merged = lines.merge(
        b"\n".join(texts(mask, b"a")), mask, b"\n".join(texts(others, b"b")), others
    )
    right = [
        b"%s%d" % (b"b" if others >> offset & 1 else b"a", offset)
        for offset in bitset.offsets(mask | others)
    ]
    assert merged.split(b"\n") == right
