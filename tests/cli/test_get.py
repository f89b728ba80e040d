"""`fetcher get`: what it prints and what it refuses; fetches themselves: tests/e2e/test_get.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.cli import get
from fetcher.cli.get import _bodies, _require_urls, pretty
from fetcher.errors import ConfigError, Exit, UsageError
from fetcher.model import Outcome, Result
from fetcher.roles.direct import Answer, Order
from fetcher.rows import jsonl
from fetcher.settings import load
from support import outs
from support.commands import run


def test_a_row_for_people_has_a_line_for_each_key_and_header() -> None:
    row = b'{"line":1,"url":"http://a/\\u00e9","headers":[["A","b"],["C","d"]],"id":null}\n'
    assert pretty(row).splitlines() == [
        "{",
        '  "line": 1,',
        '  "url": "http://a/é",',
        '  "headers": [',
        '    ["A", "b"],',
        '    ["C", "d"]',
        "  ],",
        '  "id": null',
        "}",
    ]
    assert json.loads(pretty(row)) == json.loads(row)
    assert '  "headers": []' in pretty(b'{"headers":[]}')


@pytest.mark.parametrize(
    ("bodies", "origin", "kept"),
    [
        ("none", "--bodies", "none"),
        ("inline", "my.toml", "inline"),
        ("files", "my.toml", "none"),
        ("warc", "--set output.bodies", "none"),
    ],
)
def test_bodies_that_need_files_are_not_kept(bodies: str, origin: str, kept: str) -> None:
    assert _bodies(load.load(environ={}, overrides={"output.bodies": (bodies, origin)})) == kept


@pytest.mark.parametrize("bodies", ["files", "warc"])
def test_such_bodies_are_refused_where_they_are_asked_for(bodies: str) -> None:
    given = load.load(environ={}, overrides={"output.bodies": (bodies, "--bodies")})
    with pytest.raises(ConfigError, match=f"^--bodies: {bodies} is for jobs"):
        _bodies(given)


def test_a_file_of_urls_is_to_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urls.txt").touch()
    Path("folder").mkdir()
    with pytest.raises(UsageError, match=r"^urls\.txt is a file; fetch the URLs in it with: fetch"):
        _require_urls(("http://a.test/", "urls.txt"), 8192)
    with pytest.raises(UsageError, match="no scheme"):
        _require_urls(("folder",), 8192)
    _require_urls(("http://a.test/",), 8192)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Result, bytes | None]]:
    """The rows and bodies that come for the URLs of the next command."""
    found: list[tuple[Result, bytes | None]] = []

    def answers(_order: Order) -> Iterator[Answer]:
        for row, body in found:
            yield Answer(jsonl.encode(row), body)

    monkeypatch.setattr(get, "answers", answers)
    return found


URL = "http://a.test/"
Answered = list[tuple[Result, bytes | None]]


def test_rows_are_printed_as_json_lines(answered: Answered) -> None:
    answered += [(outs.row(1, Outcome.HTTP_ERROR), None), (outs.row(2), b"body")]
    done = run("get", URL, URL)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == [404, 200]
    assert (done.code, done.stderr) == (Exit.FAILED_ROWS, "")


def test_only_the_body_is_printed_where_it_is_asked_for(answered: Answered, tmp_path: Path) -> None:
    answered.append((outs.row(1), b"\x00body"))
    path = tmp_path / "body"
    assert run("get", URL, "--body", "-o", path) == (Exit.DONE, "", "")
    assert path.read_bytes() == b"\x00body"
    answered[:] = [(outs.row(1), b"")]
    run("get", URL, "--body", "-o", tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b"", "an empty body is a body"


@pytest.mark.parametrize(
    ("row", "options", "said"),
    [
        (
            replace(outs.row(1, Outcome.DNS), error="no name"),
            ("--body",),
            f"{outs.url_of(1)}: dns: no name",
        ),
        (replace(outs.row(1), error="cut"), ("--body",), f"{outs.url_of(1)}: cut"),
        (
            replace(outs.row(1, Outcome.BLOCKED), error="see guard.allow"),
            (),
            "for servers of your own, add --own-servers",
        ),
        (outs.row(1, Outcome.ROBOTS), (), "--no-robots fetches it anyway"),
    ],
)
def test_errors_and_hints_go_to_standard_error(
    answered: Answered, row: Result, options: tuple[str, ...], said: str
) -> None:
    answered.append((row, None))
    assert f"fetcher: {said}\n" in run("get", URL, *options).stderr


def test_a_file_that_cannot_be_made_is_named(answered: Answered, tmp_path: Path) -> None:
    answered.append((outs.row(1), None))
    with pytest.raises(UsageError, match=f"^-o {tmp_path}: Is a directory; name a file"):
        run("get", URL, "-o", tmp_path)
    answered.clear()
    made: Any = run("get", URL, "-o", tmp_path / "none")
    assert made.code == Exit.DONE
    assert not (tmp_path / "none").exists(), "it is made when the first bytes come"
