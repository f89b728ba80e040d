"""The form of what is said on stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from fetcher.errors import ConflictError, NoSpaceError
from fetcher.settings.schema import Log
from fetcher.telemetry import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restores the process's log at the end."""
    root, hook = logging.getLogger(), sys.excepthook
    before = root.handlers[:], root.level
    yield
    logs.use("text", "cli")
    logging.captureWarnings(False)
    root.handlers[:], root.level = before
    sys.excepthook = hook


def start(role: str, name: str, form: logs.Form = "json") -> None:
    logs.start(Log(level="info", format=form), role, name)


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert isinstance(fields, dict)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("ts"))
    return fields


def test_a_log_line_says_when_how_grave_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    start("worker", "host-7-1")
    logging.getLogger("any").warning("line %d\nis \udcff odd", 7)
    assert said(capsys) == {
        "level": "warning",
        "role": "worker",
        "worker": "host-7-1",
        "message": "line 7\nis \udcff odd",
    }
    start("sink", "sink")
    logging.getLogger("any").info("at work")
    assert said(capsys) == {"level": "info", "role": "sink", "message": "at work"}


def test_an_exception_is_a_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    start("sink", "sink")
    try:
        raise ValueError("why")
    except ValueError as error:
        logging.getLogger("any").exception("it failed")
        caught = error
    fields = said(capsys)
    assert fields["message"] == "it failed"
    assert str(fields["exception"]).startswith("Traceback")
    assert str(fields["exception"]).endswith("ValueError: why")
    sys.excepthook(ValueError, caught, caught.__traceback__)
    assert said(capsys)["level"] == "critical"


def test_a_complaint_carries_the_exit_code_and_in_text_its_mark(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert logs.complain(ConflictError("taken")) == 4
    assert capsys.readouterr().err == "fetcher: taken\n"
    start("sink", "sink")
    logs.complain(ConflictError("taken"))
    assert said(capsys) == {"level": "error", "role": "sink", "message": "taken", "exit_code": 4}


def test_a_complaint_of_a_full_disk_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs.complain(NoSpaceError("rows.csv: No space left on device")) == 3
    said_what = "fetcher: rows.csv: No space left on device; make room, and run it again\n"
    assert capsys.readouterr().err == said_what


def test_lines_for_people_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    start("ventilator", "ventilator", "text")
    logging.getLogger("any").warning("so")
    assert re.fullmatch(r"\d\d:\d\d:\d\d ventilator WARNING so\n", capsys.readouterr().err)
    assert logs.relayed("anything", "worker", "w1") == "anything"


@pytest.mark.parametrize("line", ["Traceback (most recent", '{"half of', "7", "[" * 100_000, ""])
def test_what_a_child_writes_past_its_log_is_wrapped(line: str) -> None:
    logs.use("json", "supervisor")
    fields = json.loads(logs.relayed(line, "worker", "w1"))
    del fields["ts"]
    assert fields == {"level": "error", "role": "worker", "worker": "w1", "message": line}
    assert "worker" not in json.loads(logs.relayed(line, "sink", "sink"))


def test_a_childs_own_line_is_passed_on_untouched_and_its_complaint_known() -> None:
    logs.use("json", "worker", "w1")
    plain, complaint = logs.own("so"), logs.own("taken", "error", exit_code=4)
    logs.use("json", "supervisor")
    assert logs.relayed(plain, "worker", "w1") == plain
    assert (logs.complaint(plain), logs.complaint(complaint)) == (None, "taken")
    logs.use("text")
    assert logs.complaint("fetcher: taken") == "fetcher: taken"
    assert logs.complaint("12:00:00 w1 ERROR taken") is None
