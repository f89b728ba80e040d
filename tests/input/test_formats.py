"""What a line of each format is: golden files, and that no bytes whatever break the promise.

`golden_input/NAME` is an input file, `NAME.tasks` the tasks of its URL lines, a line each, without
the fields that are at their defaults.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetcher.fetch import urls
from fetcher.input import formats, json_lines, lines
from fetcher.input.formats import TEXT, LineFormat
from fetcher.model import Outcome, Result, Task
from fetcher.rows import jsonl

_BROKEN = "not valid JSON"
GOLDEN = Path(__file__).with_name("golden_input")
JSONL = LineFormat("jsonl")
CSV = LineFormat("csv", ",", ("id", "url", "method", "note"), "url", True)
TSV = LineFormat("csv", "\t", ("name", "url"), "url", True)
FILES = {"valid.jsonl": JSONL, "invalid.jsonl": JSONL, "lines.csv": CSV, "lines.tsv": TSV}
FORMATS = [TEXT, JSONL, CSV, TSV, LineFormat("csv", ",", ("url",), "url")]


def tasks_of(content: bytes, of: LineFormat) -> list[Task]:
    """The tasks of a file's URL lines, in order."""
    texts_of, task_of = formats.reader(of), formats.decoder(of)
    raw = [line for block in lines.read_lines(io.BytesIO(content)) for line in block]
    return [task_of(number, text) for number, text in enumerate(texts_of(raw), 1) if text]


def shown(task: Task) -> dict[str, Any]:
    """A task as its golden line has it; how exactly JSON is broken is for its library to say."""
    plain, blank = (json.loads(msgspec.json.encode(one)) for one in (task, Task(0, "")))
    if task.fault is not None and task.fault.message.startswith(_BROKEN):
        plain["fault"] = [task.fault.kind, _BROKEN]
    return {key: value for key, value in plain.items() if key == "url" or value != blank[key]}


@pytest.mark.parametrize("name", FILES)
def test_the_tasks_of_a_golden_file_are_these(name: str) -> None:
    found = [shown(task) for task in tasks_of((GOLDEN / name).read_bytes(), FILES[name])]
    golden = (GOLDEN / f"{name}.tasks").read_text("utf-8").splitlines()
    assert found == [json.loads(line) for line in golden]


def test_every_invalid_line_has_a_fault_and_no_valid_one_has() -> None:
    for name, faulty in (("valid.jsonl", False), ("invalid.jsonl", True)):
        content = (GOLDEN / name).read_bytes()
        tasks = tasks_of(content, JSONL)
        assert len(tasks) == content.count(b"\n")
        assert {task.fault is not None for task in tasks} == {faulty}


def test_a_fault_names_the_key() -> None:
    for raw in (GOLDEN / "invalid.jsonl").read_text().splitlines():
        task = json_lines.task_of(1, raw)
        try:
            keys = list(json.loads(raw))
        except ValueError:
            continue
        if raw.startswith("{") and len(keys) > 1:
            assert task.fault is not None
            assert any(key in task.fault.message for key in keys[1:]), task.fault


# -- any bytes -------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *b'" "" , { } [ : # 1 url http://a/ {"url":"http://a/" "id": "body": \\ud800'.split(),
        *(b" ", b"\t", b"\n", b"\r", b"\x00", b"\xff", "ä".encode()),
    ]
)
_BYTES = st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=40).map(b"".join))


def _is_refused(task: Task) -> bool:
    """Whether the line itself is at fault, or its text, as that of a CSV field, names no host."""
    if task.fault:
        return True
    try:
        urls.target_of(task.url, lines.MAX_LINE_BYTES)
    except urls.NoUrlError:
        return True
    return False


@example(b"\n#", LineFormat("csv", ",", ("url",), "url"))
@given(_BYTES, st.sampled_from(FORMATS))
def test_every_url_line_of_any_bytes_is_one_task_with_a_row(content: bytes, of: LineFormat) -> None:
    raw = content.split(b"\n")
    skipped = 1 if of.kind == "csv" else 0
    wanted = [
        number
        for number, line in enumerate(map(bytes.strip, raw), 1)
        if number > skipped and line
        if of.kind == "csv" or not line.startswith(b"#") or b"\r" in line
    ]
    tasks = tasks_of(content, of)
    assert [task.line for task in tasks] == wanted
    assert all(_is_refused(task) for task in tasks if task.url.startswith("#"))
    counted = formats.counter(of)(raw)
    assert [number for number, text in enumerate(counted, 1) if text] == wanted
    for task in tasks:
        row = jsonl.decode(jsonl.encode(formats.named(_result(task), task)))
        assert (row.line, row.url) == (task.line, task.url)
        assert row.id == (msgspec.UNSET if task.id is None else task.id)


@given(_BYTES, st.sampled_from(FORMATS), st.integers(1, 9))
def test_batches_give_the_same_tasks_as_the_whole_file(
    content: bytes, of: LineFormat, size: int
) -> None:
    task_of = formats.decoder(of)
    blocks = lines.read_lines(io.BytesIO(content))
    found = []
    for batch in lines.batches(blocks, size, formats.reader(of)):
        texts = batch.urls.split(b"\n") if batch.mask else []
        offsets = [offset for offset in range(size) if batch.mask >> offset & 1]
        for offset, text in zip(offsets, texts, strict=True):
            found.append(task_of(batch.first_line + offset, text))
    assert found == tasks_of(content, of)


def _result(task: Task) -> Result:
    return Result(task.line, task.url, Outcome.INVALID_URL)


_URL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip)


@given(_URL, st.one_of(st.text(), st.integers(-(1 << 63), (1 << 64) - 1)), st.binary())
def test_what_a_json_line_says_is_in_its_task(url: str, name: str | int, body: bytes) -> None:
    said = {"url": url, "id": name, "method": "POST"}
    said["body"] = {"base64": base64.b64encode(body).decode()}  # type: ignore[assignment]
    task = json_lines.task_of(3, msgspec.json.encode(said).decode())
    assert task == Task(3, url, method="POST", body=body, id=name)


# -- CSV -------------------------------------------------------------------------------------


def test_a_record_over_several_lines_is_a_fault_of_each_of_them() -> None:
    content = b'url,note\nhttp://a,"one\nhttp://b,two\n\n# three\n""four"" \n",\nhttp://c,five\n'
    of = LineFormat("csv", ",", ("url", "note"), "url")
    tasks = tasks_of(content, of)
    assert [(task.line, task.url) for task in tasks if task.fault is None] == [(8, "http://c")]
    spans = [task for task in tasks if task.fault is not None]
    assert [task.line for task in spans] == [2, 3, 5, 6, 7]
    assert all("a record must be one line" in str(task.fault) for task in spans)
    assert spans[1].url == "http://b,two"


def test_the_url_column_may_be_called_as_another_that_is_used() -> None:
    of = LineFormat("csv", ",", ("id", "url"), "id", True)
    (task,) = tasks_of(b"id,url\nhttp://a,b\n", of)
    assert task == Task(2, "http://a", columns={"url": "b"})


def test_columns_come_back_only_where_they_are_kept() -> None:
    (task,) = tasks_of(b"x,url\n1,http://a\n", LineFormat("csv", ",", ("x", "url"), "url"))
    assert task == Task(2, "http://a")


def test_a_line_that_is_too_long_is_a_fault_and_its_row_is_short() -> None:
    for of in (JSONL, CSV):
        content = b"x\n" + b'{"url":"' + b"a" * 2 * lines.MAX_LINE_BYTES + b'"}\n'
        task = tasks_of(content, of)[-1]
        assert task.fault is not None and "longer than" in task.fault.message
        assert len(task.url) == 2000


def test_a_line_that_is_too_long_costs_no_other_its_record() -> None:
    content = b'note,url\n"' + b"a" * 2 * lines.MAX_LINE_BYTES + b'",http://a\nb,http://b\n'
    long, other = tasks_of(content, LineFormat("csv", ",", ("note", "url"), "url"))
    assert long.fault is not None
    assert other == Task(3, "http://b")


def test_a_format_that_lacks_its_url_column_is_none() -> None:
    with pytest.raises(ValueError, match="not one of the columns"):
        LineFormat("csv", ",", ("a",), "url")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "csv", "columns": ["a"], "url_column": "url"}, LineFormat)


def test_a_result_without_id_and_columns_stays_what_it_is() -> None:
    result = Result(1, "u", Outcome.OK)
    assert formats.named(result, Task(1, "u")) is result
    assert formats.named(result, Task(1, "u", id="")).id == ""
