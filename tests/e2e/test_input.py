"""Input that is more than a list of URLs, through the whole program."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from support import jobs

NULL = ("--workers=1", "--batch-size=3", "--set=worker.transport=null")


def run(path: Path, *options: str) -> dict[int, dict[str, object]]:
    """The rows of a proven run, by line, as far as they differ from line to line."""
    out = path.with_name("out")
    done = jobs.call("run", path, "-o", out, *NULL, *options)
    assert done.returncode == 0, done.stderr
    verdict = jobs.call("verify", out, "--urls", path)
    assert verdict.returncode == 0, verdict.stdout
    rows = [
        json.loads(row)
        for part in sorted((out / "results").iterdir())
        for row in part.read_bytes().splitlines()
    ]
    keys = ("url", "outcome", "error", "id", "columns")
    return {
        row["line"]: {key: row[key] for key in keys if row.get(key) is not None} for row in rows
    }


def test_json_lines_come_back_with_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "urls.jsonl.gz"
    lines = ['{"url": "http://a/", "id": 7}', "", '{"url": "http://b/", "x": 1, "id": "b"}', "c"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert run(path) == {
        1: {"url": "http://a/", "outcome": "ok", "id": 7},
        3: {
            "url": "http://b/",
            "outcome": "invalid_url",
            "error": "'x' is no known key; known are url, method, headers, body, id",
            "id": "b",
        },
        4: {
            "url": "c",
            "outcome": "invalid_url",
            "error": "not valid JSON: invalid character (byte 0)",
        },
    }


def test_csv_records_come_back_with_their_columns_in_every_batch(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    records = [f"{n},http://a/{n},n{n}" for n in range(2, 20)]
    records[8:10] = ['10,http://a/10,"over', '11,http://a/11,lines"']
    path.write_text("\n".join(["id,url,note", *records]))
    rows = run(path, "--set=input.keep_columns=true")
    assert set(rows) == set(range(2, 20))
    assert {line for line, row in rows.items() if row["outcome"] == "invalid_url"} == {10, 11}
    assert rows[19] == {
        "url": "http://a/19",
        "outcome": "ok",
        "id": "19",
        "columns": {"note": "n19"},
    }


def test_plain_lines_have_no_keys_that_they_did_not_have(tmp_path: Path) -> None:
    path = jobs.write_urls(tmp_path / "urls.txt", ["http://a/"])
    run(path)
    (row,) = (tmp_path / "out" / "results" / "part-00000.jsonl").read_text().splitlines()
    assert list(json.loads(row))[-1] == "worker"


@pytest.mark.parametrize("option", ["input.format=text", "input.keep_columns=true"])
def test_the_same_directory_with_another_format_is_refused(tmp_path: Path, option: str) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("url,a\nhttp://a/,1\n")
    run(path)
    again = jobs.call("run", path, "-o", tmp_path / "out", *NULL, f"--set={option}")
    assert again.returncode == 4
    (said,) = again.stderr.splitlines()
    assert "was begun with lines of the format csv (by comma, 2 columns" in said


def test_a_missing_column_is_told_before_anything_is_started(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("link,a\nhttp://a/,1\n")
    done = jobs.call("run", path, "-o", tmp_path / "out", *NULL)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "urls.csv" in said and "'url'" in said and "'link', 'a'" in said
    assert not (tmp_path / "out").exists()


def test_a_line_that_kills_its_workers_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "urls.jsonl"
    path.write_text('{"url": "http://a/kill", "id": "k"}\n{"url": "http://a/?ms=1", "id": "l"}\n')
    options = ("--set=lease.poison_deaths=1", f"--set=worker.transport={jobs.DEADLY}")
    rows = run(path, *options)
    assert [(rows[n]["outcome"], rows[n]["id"]) for n in (1, 2)] == [("crashed", "k"), ("ok", "l")]
