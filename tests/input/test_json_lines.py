"""What a JSON line is: a request, or a fault that says which key is wrong."""

from __future__ import annotations

import json

import pytest

from fetcher.input.json_lines import KEYS, task_of
from fetcher.model import Task


def task(**said: object) -> Task:
    """The task of line 2 with this object."""
    return task_of(2, json.dumps(said))


def test_an_object_with_a_url_alone_is_a_get() -> None:
    assert task(url=" http://a ") == Task(2, "http://a")


def test_every_key_is_in_the_task() -> None:
    said = {"method": "put", "headers": {"A": "b"}, "body": "ä", "id": 7}
    assert task(url="http://a", **said) == Task(
        2, "http://a", None, "PUT", (("A", "b"),), "ä".encode(), 7
    )


def test_null_is_the_same_as_a_missing_key() -> None:
    nothing = dict.fromkeys(key for key in KEYS if key != "url")
    assert task(url="http://a", **nothing) == Task(2, "http://a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON: "),
        ('{"url": "http://a"} x', "not valid JSON: "),
        ("[" * 100_000, "not valid JSON: nested too deeply"),
        ('["http://a"]', "not a JSON object"),
        ('"http://a"', "not a JSON object"),
        ("{}", "url: the key is missing"),
        ('{"link": "http://a"}', "url: the key is missing"),
        ('{"url": null}', "url: must be a text"),
        ('{"url": ["http://a"]}', "url: must be a text"),
    ],
)
def test_a_line_without_a_readable_url_is_a_fault_and_stands_for_its_url(
    text: str, words: str
) -> None:
    found = task_of(2, text)
    assert found.fault is not None
    assert found.fault.kind == "record"
    assert found.fault.message.startswith(words)
    assert (found.line, found.url) == (2, text[:2000])


def test_words_about_json_do_not_name_a_byte_of_another_line() -> None:
    found = task_of(2, '{"url": nothing}').fault
    assert found is not None and " - at " not in found.message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"method": 1}, "method: must be a text"),
        ({"headers": "A: b"}, "headers: must be"),
        ({"body": "x"}, "body: a GET request has no body"),
        ({"meth": "GET"}, "'meth' is not a known key; use url, method, headers, body, id, route"),
        ({"x" * 100: None}, f"'{'x' * 39}…' is not a known key"),
    ],
)
def test_a_wrong_key_is_a_fault_and_the_line_keeps_its_url_and_id(
    said: dict[str, object], words: str
) -> None:
    found = task(url="http://a", id="mine", **said)
    assert found.fault is not None
    assert found.fault.kind == "field"
    assert found.fault.message.startswith(words)
    assert (found.url, found.id) == ("http://a", "mine")


def test_a_wrong_id_is_a_fault_and_is_not_in_the_row() -> None:
    found = task(url="http://a", id=True)
    assert found.fault is not None and found.fault.message.startswith("id: ")
    assert (found.url, found.id) == ("http://a", None)
