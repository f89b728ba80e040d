"""Input of all formats, through the whole program."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import sqlite3
from pathlib import Path

import msgspec
import pytest

from support import jobs
from support.waiting import wait_until

RETRY = ("--workers=1", "--set=worker.transport=null")
NULL = (*RETRY, "--batch-size=3")


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
            "error": "'x' is not a known key; use url, method, headers, body, id, route",
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
    rows = run(path)
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


def test_the_same_directory_with_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("url,a\nhttp://a/,1\n")
    run(path)
    other = path.rename(tmp_path / "urls.txt")
    again = jobs.call("run", other, "-o", tmp_path / "out", *NULL)
    assert again.returncode == 4
    (said,) = again.stderr.splitlines()
    assert "was begun with lines of the format csv (by comma, 2 columns" in said


def test_a_job_that_was_begun_without_other_columns_goes_on_without_them(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    out = tmp_path / "out"
    path.write_text("url,a\n" + "".join(f"http://a/{n}?ms=20,{n}\n" for n in range(300)))
    slow = ("--workers=1", "--pool-size=4", f"--set=worker.transport={jobs.SLOW}")
    with jobs.forked("run", path, "-o", out, *slow, "--set=input.keep_columns=false") as job:
        wait_until(lambda: jobs.committed(out) > 5)
        job.process.send_signal(signal.SIGINT)
        assert job.wait()[0] == 3
    begun = len(jobs.rows(out))
    assert 5 < begun < 300
    done = jobs.call("run", path, "-o", out, "--workers=1", f"--set=worker.transport={jobs.SLOW}")
    assert done.returncode == 0, done.stderr
    assert "keep_columns" not in done.stderr
    assert jobs.call("verify", out).returncode == 0
    rows = jobs.rows(out)
    assert len(rows) == 300
    assert all(row.columns is msgspec.UNSET for row in rows)


def test_column_names_the_one_with_the_urls(tmp_path: Path) -> None:
    path = tmp_path / "links.txt"
    path.write_text("page,link\n/a,http://a/\n")
    assert run(path, "--column", "link") == {
        2: {"url": "http://a/", "outcome": "ok", "columns": {"page": "/a"}}
    }
    retried = jobs.call("retry", tmp_path / "out", "--outcome=ok", "-o", tmp_path / "b", *RETRY)
    assert retried.returncode == 0, retried.stderr
    assert [row.columns for row in jobs.rows(tmp_path / "b")] == [{"page": "/a"}]


def test_a_missing_column_is_reported_before_anything_is_started(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("link,a\nhttp://a/,1\n")
    done = jobs.call("run", path, "-o", tmp_path / "out", *NULL)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said == (
        f"fetcher: {path}: its first line should name the columns: there is no column 'url'; "
        "name the one that holds the URL with --column (input.url_column): 'link', 'a'"
    )
    lines = tmp_path / "urls.jsonl"
    lines.write_text('{"link": "http://a/"}\n')
    for command in (("run", lines, "-o", tmp_path / "out"), ("ventilator", lines)):
        done = jobs.call(*command, "--column", "link")
        assert done.returncode == 2
        (said,) = done.stderr.splitlines()
        assert said.startswith(f"fetcher: --column: is for CSV, and {lines} is a file of JSON")
    assert not (tmp_path / "out").exists()


def test_a_line_that_kills_its_workers_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "urls.jsonl"
    path.write_text('{"url": "http://a/kill", "id": "k"}\n{"url": "http://a/?ms=1", "id": "l"}\n')
    quick = ("--set=lease.poison_deaths=1", "--set=lease.silent_s=1")
    options = (*quick, f"--set=worker.transport={jobs.DEADLY}")
    rows = run(path, *options)
    assert [(rows[n]["outcome"], rows[n]["id"]) for n in (1, 2)] == [("crashed", "k"), ("ok", "l")]


COLUMNS = "the first line names 2 columns, and this one has 1"


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        (
            "joined.txt",
            b"\xef\xbb\xbfhttp://a/\n# c\n\xef\xbb\xbfhttp://b/\n\xef\xbb\xbf# c\n\xef\xbb\xbf\n",
            {1: ("http://a/", None), 3: ("http://b/", None)},
        ),
        (
            "mac.txt",
            b"http://a/\n# c\rhttp://b/\rhttp://c/\nhttp://d/\rhttp://e/\r\n",
            {
                1: ("http://a/", None),
                2: ("# c\rhttp://b/\rhttp://c/", "a carriage return (0x0d) inside the line"),
                3: ("http://d/\rhttp://e/", "a carriage return (0x0d) inside the line"),
            },
        ),
        (
            "wide.txt",
            b"http://a/" + b"/path" * 30 + b"\n" + "http://b/\n#c\n".encode("utf-16"),
            {
                1: ("http://a/" + "/path" * 30, None),
                2: ("\\xff\\xfeh\0t\0t\0p\0:\0/\0/\0b\0/\0", "not valid UTF-8 (byte 0xff at 0)"),
                3: ("\0#\0c\0", "control character 0x00 at position 1"),
                4: ("\0", "control character 0x00 at position 1"),
            },
        ),
        (
            "nul.jsonl",
            b'{"url": "http://a/"}\n{"url": "http://b/\0"}\n{"url":\r"http://c/"}\n',
            {
                1: ("http://a/", None),
                2: ('{"url": "http://b/\0"}', "not valid JSON"),
                3: ("http://c/", None),
            },
        ),
        (
            "comment.csv",
            b"url,tag\nhttp://a/,a\n#http://b/,b\n# c\n\nhttp://c/,#d\nhttp://d/\rx,\n",
            {
                2: ("http://a/", None),
                3: ("#http://b/", "no scheme"),
                4: ("# c", COLUMNS),
                6: ("http://c/", None),
                7: ("http://d/\rx,", "not valid CSV: "),
            },
        ),
        (
            "joined.tsv",
            b"\xef\xbb\xbfurl\ttag\nhttp://a/\t#\n\xef\xbb\xbfurl\ttag\n#\t\n",
            {2: ("http://a/", None), 3: ("url", "no scheme"), 4: ("#", "no scheme")},
        ),
    ],
)
def test_no_line_is_lost_and_one_that_cannot_be_meant_so_says_why(
    tmp_path: Path, name: str, content: bytes, wanted: dict[int, tuple[str, str | None]]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    rows = run(path, "--set=worker.transport=curl", "--set=http.proxy=http://127.0.0.1:9")
    assert {line: row["url"] for line, row in rows.items()} == {
        line: url for line, (url, _) in wanted.items()
    }
    for line, (_, fault) in wanted.items():
        if fault is None:
            assert rows[line]["outcome"] == "connect"
        else:
            assert rows[line]["outcome"] == "invalid_url"
            assert fault in str(rows[line]["error"])


def test_a_directory_begun_by_other_rules_for_lines_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("url,a\nhttp://a/,1\n#http://b/,2\n")
    run(path)
    out = tmp_path / "out"
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["input"].pop("line_rules") == 2
    (out / "manifest.json").write_text(json.dumps(manifest))
    with contextlib.closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        db.execute("DELETE FROM meta WHERE key = 'manifest'")  # which older versions did not write
    for code, arguments in ((4, ("run", path, "-o", out, *NULL)), (4, ("verify", out))):
        done = jobs.call(*arguments)
        assert done.returncode == code
        said = done.stderr.splitlines()[-1]
        assert "begun by another version of fetcher, which reads the lines of" in said
        assert "urls.csv by other rules" in said
    assert jobs.call("status", out).returncode == 0


def test_a_lost_manifest_is_not_replaced_by_that_of_another_input(tmp_path: Path) -> None:
    path, other = tmp_path / "urls.txt", tmp_path / "other.txt"
    path.write_text("http://a/\nhttp://b/\n")
    other.write_text("http://c/\n")
    run(path)
    manifest = tmp_path / "out" / "manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    for urls in (other, path):
        done = jobs.call("run", urls, "-o", tmp_path / "out", *NULL)
        assert done.returncode == 5
        said = done.stderr.splitlines()[-1]
        assert "manifest.json is missing" in said
        assert not manifest.exists()
    manifest.write_bytes(kept)
    assert jobs.call("verify", tmp_path / "out").returncode == 0
