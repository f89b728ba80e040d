"""`fetcher run URL…`: URLs on the command line are a job like any other."""

from __future__ import annotations

import json
import re
from pathlib import Path

from support import jobs
from tools.site.running import RunningSite

ONE = "--workers=1"


def test_urls_are_fetched_resumed_proven_retried_and_exported(
    site: RunningSite, tmp_path: Path
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    urls = [site.url("/bytes/10"), site.url("/status/503")]
    done = jobs.call("run", *urls, "-o", out, ONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row.url for row in sorted(jobs.rows(out), key=lambda row: row.line)] == urls
    assert json.loads((out / "manifest.json").read_bytes())["input"]["name"] == (
        "2 URLs of the command line"
    )

    resumed = jobs.call("run", *urls, "-o", out, ONE)
    assert (resumed.returncode, len(jobs.rows(out))) == (0, 2)
    piped = jobs.call("run", "-", "-o", out, ONE, stdin="\n".join([*urls, ""]).encode())
    assert (piped.returncode, piped.stderr) == (0, "")
    other = jobs.call("run", *urls, urls[0], "-o", out, ONE)
    assert other.returncode == 4
    assert re.fullmatch(
        rf"fetcher: {re.escape(str(out))} belongs to another job, begun on .* with 2 URLs of the "
        r"command line; the input now \(3 URLs of the command line\) differs\..*\n",
        other.stderr,
    ), other.stderr

    assert jobs.call("verify", out).stdout.startswith("proven: 2 URL lines")
    assert jobs.call("status", out).stdout.startswith("2 URLs of the command line: complete")
    assert "2 URLs of the command line" in jobs.call("report", out, "--text").stdout
    assert jobs.call("retry", out, "-o", again, ONE, "--quiet").returncode == 0
    assert [row.line for row in jobs.rows(again)] == [2]
    assert jobs.call("status", again).stdout.startswith("2 URLs of the command line: complete")
    exported = jobs.call("export", out, again, "-o", "-", "--to", "csv", "--columns", "line")
    assert sorted(exported.stdout.split()) == ["1", "2", "line"]


def test_urls_are_text_whatever_the_settings_say_of_files(
    site: RunningSite, tmp_path: Path
) -> None:
    done = jobs.call(
        "run", site.url("/bytes/10"), "-o", tmp_path / "out", ONE, "--set=input.format=csv"
    )
    assert done.returncode == 0, done.stderr
    assert [row.outcome for row in jobs.rows(tmp_path / "out")] == ["ok"]


def test_what_is_not_one_file_or_urls_is_one_line_and_begins_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://a.invalid/"])
    for arguments, said in (
        ((urls, "http://b.invalid/"), f"fetcher: {urls} is a file, and http://b.invalid/ is a URL"),
        ((urls, urls), f"fetcher: {urls} and {urls}: a job has one file of URLs"),
        (("http://me:s3cret@a.invalid/",), "fetcher: http://…@a.invalid/: a user name or password"),
        (("http://a.invalid/", "--column=b"), "fetcher: --column: is for CSV files"),
        (("www.example.org",), "fetcher: www.example.org: there is no such file"),
    ):
        wrong = jobs.call("run", *arguments, "-o", out)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith(said)
        assert wrong.stderr.count("\n") == 1
        assert not out.exists()


def test_headers_of_the_command_line_are_sent_and_nowhere_written(
    site: RunningSite, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = jobs.call(
        "run",
        *(site.url("/headers"), "-o", out, ONE, "--bodies", "inline"),
        *("--header", "X-Token: s3cret", "--set=http.headers=X-First: 1"),
    )
    assert done.returncode == 0, done.stderr
    (row,) = jobs.rows(out)
    assert "X-First: 1" in str(row.body).replace('": "', ": ")
    assert "X-Token: s3cret" in str(row.body).replace('": "', ": ")
    assert "s3cret" not in (out / "manifest.json").read_text()
