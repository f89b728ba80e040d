"""Items become lines: one each, whatever is in them."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.api import Job, items
from fetcher.errors import InputError, NoSpaceError
from fetcher.input import formats
from fetcher.input.formats import LineFormat
from fetcher.model import Task

JSONL = LineFormat("jsonl")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def written(given_items: list[Any]) -> bytes:
    file = io.BytesIO()
    items.write(given_items, file, Path("spool"))
    return file.getvalue()


def tasks(given_items: list[Any]) -> list[Task]:
    """As a worker reads the file that items are written to."""
    task_of = formats.decoder(JSONL)
    texts = formats.reader(JSONL)(written(given_items).removesuffix(b"\n").split(b"\n"))
    return [task_of(number, text) for number, text in enumerate(texts, 1) if text]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec=None)) | st.dictionaries(st.text(), _JSON), min_size=1))
def test_every_item_is_exactly_one_url_line(given_items: list[Any]) -> None:
    assert [task.line for task in tasks(given_items)] == list(range(1, len(given_items) + 1))


def test_a_url_and_a_dict_are_what_json_lines_have() -> None:
    text, asked, binary = tasks(
        [
            "http://a.test/ü",
            {"url": "http://b.test/", "headers": {"Accept": "x"}, "id": 7},
            {"url": "http://c.test/", "method": "PUT", "body": b"\x00\xff"},
        ]
    )
    assert text == Task(1, "http://a.test/ü")
    assert (asked.url, asked.headers, asked.id) == ("http://b.test/", (("Accept", "x"),), 7)
    assert (binary.method, binary.body) == ("PUT", b"\x00\xff")


@pytest.mark.parametrize(
    "item", ["", "#comment", "  ", "\ufeffhttp://a.test/", "http://a.test/\nhttp://b.test/", "\0"]
)
def test_a_text_that_would_not_be_a_url_line_of_a_file_is_an_item_here(item: str) -> None:
    (task,) = tasks([item])
    assert task.url == item.strip()


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (None, "item 2 is None; give a URL as str, or a dict"),
        (b"http://a.test/", "item 2 is b'http://a.test/'"),
        (("http://a.test/", 1), "item 2 is "),
        ({"url": b"http://a.test/"}, "item 2 cannot be written as JSON: "),
        ({"url": "http://a.test/", "headers": {"a": b"b"}}, "item 2 cannot be written as JSON: "),
    ],
)
def test_an_item_of_another_type_is_named(item: object, said: str) -> None:
    with pytest.raises(InputError, match=f"^urls: {said}"):
        written(["http://a.test/", item])


def test_a_full_disk_is_an_error() -> None:
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(NoSpaceError, match="No space left"),
    ):
        items.write(["http://a.test/"], cast(BinaryIO, full), Path("spool"))


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("https://example.com/", r"is one URL; give a list: \['https://example.com/'\]"),
        ({"url": "https://example.com/"}, "a dict is one request; give a list of them"),
        (b"urls.txt", "bytes is neither a path nor an iterable"),
        (None, "NoneType is neither a path nor an iterable"),
    ],
)
def test_input_that_is_not_a_list_of_urls_is_refused_at_once(urls: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"^urls: .*{said}"):
        Job(urls)


def test_any_number_of_items_is_written_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    tracemalloc.start()
    try:
        with path.open("wb") as file:
            items.write((f"http://test.invalid/{n}" for n in range(20_000)), file, path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert path.read_bytes().count(b"\n") == 20_000
