"""The commands as people use them: exit codes, messages, stopping and resuming."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support import jobs
from support.waiting import wait_until
from tools.site.running import RunningSite

QUICK = ("--workers=1", "--pool-size=16", "--batch-size=20")
SLOW = (*QUICK, f"--set=worker.transport={jobs.SLOW}")


def slow_urls(path: Path, count: int, ms: int = 20) -> Path:
    return jobs.write_urls(path, [f"http://test.invalid/{n}?ms={ms}" for n in range(count)])


def one_line(error: str) -> str:
    """The error that is the whole of stderr."""
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


# -- the good case ---------------------------------------------------------------------------


def test_a_run_ends_with_0_and_a_summary_of_what_happened(
    site: RunningSite, tmp_path: Path
) -> None:
    lines = [site.url("/bytes/1000")] * 3 + [site.url("/status/404"), "no url"]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    done = jobs.call("run", urls, "-o", tmp_path / "out", *QUICK)
    assert done.returncode == 0, done.stderr
    for said in ("ok", "3", "60.0 %", "http_error", "invalid_url", "404: 1", "part-*.jsonl"):
        assert said in done.stdout
    assert len(jobs.prove(tmp_path / "out", urls)) == 5
    assert done.stderr == ""


def test_a_worker_that_got_no_line_leaves_in_silence(site: RunningSite, tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/bytes/10")])
    done = jobs.call("run", urls, "-o", tmp_path / "out", "--workers=3", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_says_nothing_at_all(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 5)
    done = jobs.call("run", urls, "-o", tmp_path / "out", "--quiet", *SLOW)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_same_command_after_the_end_fetches_nothing_again(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/bytes/10")] * 30)
    assert jobs.call("run", urls, "-o", tmp_path / "out", *QUICK).returncode == 0
    site.reset()
    again = jobs.call("run", urls, "-o", tmp_path / "out", *QUICK)
    assert again.returncode == 0
    assert "all was done before" in again.stdout
    assert site.hits() == {}
    jobs.prove(tmp_path / "out", urls)


@pytest.mark.parametrize(("ending", "last"), [("\n", True), ("\r\n", False)])
def test_line_ends_bom_blank_and_comment_lines_are_understood(
    tmp_path: Path, ending: str, last: bool
) -> None:
    lines = [
        "http://test.invalid/1",
        "",
        "# comment",
        "  http://test.invalid/4  ",
        "http://test.invalid/5",
    ]
    text = ending.join(lines) + (ending if last else "")
    urls = tmp_path / "urls.txt"
    urls.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert jobs.call("run", urls, "-o", tmp_path / "out", *SLOW).returncode == 0
    rows = jobs.prove(tmp_path / "out", urls)
    assert sorted((row.line, row.url) for row in rows) == [
        (1, "http://test.invalid/1"),
        (4, "http://test.invalid/4"),
        (5, "http://test.invalid/5"),
    ]


def test_gzip_is_read_whatever_its_name(tmp_path: Path) -> None:
    plain = slow_urls(tmp_path / "plain.txt", 100, ms=1)
    packed = tmp_path / "urls.list"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    assert jobs.call("run", packed, "-o", tmp_path / "out", *SLOW).returncode == 0
    assert len(jobs.rows(tmp_path / "out")) == 100
    assert jobs.call("verify", tmp_path / "out").returncode == 0


def test_standard_input_is_spooled_and_the_same_input_again_resumes(tmp_path: Path) -> None:
    content = slow_urls(tmp_path / "urls.txt", 50).read_bytes()
    out = tmp_path / "out"
    assert jobs.call("run", "-", "-o", out, *SLOW, stdin=content).returncode == 0
    assert jobs.call("verify", out).returncode == 0
    assert jobs.call("run", "-", "-o", out, *SLOW, stdin=content).returncode == 0
    assert jobs.call("run", "-", "-o", out, *SLOW, stdin=b"").returncode == 0
    other = jobs.call("run", "-", "-o", out, *SLOW, stdin=b"http://other.invalid/\n")
    assert other.returncode == 4
    assert "the input now (standard input) differs" in one_line(other.stderr)


def test_a_pipe_is_refused_for_a_directory_that_was_begun_with_a_file(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 5)
    out = tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *SLOW).returncode == 0
    other = jobs.call("run", "-", "-o", out, *SLOW, stdin=b"http://other.invalid/\n")
    assert other.returncode == 4
    assert f"UTC with {urls}. To resume that job" in one_line(other.stderr)
    assert not (out / "input.urls").exists()
    assert jobs.call("verify", out).returncode == 0


def test_what_is_wrong_with_standard_input_is_said_of_it_and_the_right_one_may_follow(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    for content, said in (
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(100), "is a zip archive"),
        (b"# none\n", "holds no URL"),
    ):
        wrong = jobs.call("run", "-", "-o", out, *SLOW, stdin=content)
        assert wrong.returncode == 2
        assert one_line(wrong.stderr).startswith(f"fetcher: standard input: {said}")
    content = slow_urls(tmp_path / "urls.txt", 5).read_bytes()
    assert jobs.call("run", "-", "-o", out, *SLOW, stdin=content).returncode == 0


def test_no_room_for_standard_input_is_said_of_the_directory(tmp_path: Path) -> None:
    out = tmp_path / "out"
    limited = f'ulimit -f 64; exec "$0" -m fetcher run - -o {out}'
    done = subprocess.run(
        ["bash", "-c", limited, sys.executable],
        check=False,
        input=b"http://a.invalid/\n" * 100_000,
        capture_output=True,
        cwd=jobs.ROOT,
        env=jobs.ENV,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert one_line(done.stderr.decode()).startswith(f"fetcher: {out}/input.urls: File too large")
    assert not list(out.glob("input.urls*"))


# -- bad input -------------------------------------------------------------------------------


def test_every_bad_line_is_one_row_that_says_why(site: RunningSite, tmp_path: Path) -> None:
    good = site.url("/bytes/10").encode()
    cases = {
        b"example.org/no-scheme": "no scheme",
        b"ftp://example.invalid/": "'ftp'",
        b"javascript:alert(1)": "'javascript'",
        b"http://": "no host",
        b"http://nul\x00inside.invalid/": "control character 0x00",
        b"http://bad-utf8.invalid/\xff\xfe": "not valid UTF-8",
        b"http://long.invalid/" + b"x" * 1_000_000: "longer than",
        b"http://longish.invalid/" + b"x" * 9_000: "longer than",
        b"http://user:secret@host.invalid/": "user name",
        b"http://host.invalid:99999/": "the port '99999'",
    }
    urls = tmp_path / "urls.txt"
    urls.write_bytes(b"\n".join([good, *cases, good, good, good]) + b"\n")
    done = jobs.call("run", urls, "-o", tmp_path / "out", *QUICK)
    assert done.returncode == 0, done.stderr
    rows = {row.line: row for row in jobs.prove(tmp_path / "out", urls)}
    for line, why in enumerate(cases.values(), 2):
        assert rows[line].outcome == "invalid_url", rows[line]
        assert why in (rows[line].error or ""), rows[line]
    # The same URL on several lines is several lines.
    assert {n for n, row in rows.items() if row.outcome == "ok"} == {1, 12, 13, 14}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n# nothing\n\n", "holds no URL, only blank and comment lines"),
        (b"url,id\n", "holds no URL, no record after the line that names the columns"),
        (b"\x7fELF\x02\x01\x01" + bytes(1000), "a program"),
        (bytes(range(256)) * 40, "is binary"),
        ("http://a.invalid/\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (gzip.compress(b"http://a.invalid/\n" * 1000, mtime=0)[:-9], "gzip"),
    ],
)
def test_a_file_that_is_not_a_list_of_urls_is_one_clear_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    urls = tmp_path / ("urls.csv" if content.startswith(b"url,") else "urls.bin")
    urls.write_bytes(content)
    done = jobs.call("run", urls, "-o", tmp_path / "out", *SLOW)
    assert done.returncode == 2, done.stderr
    assert said in one_line(done.stderr)
    assert str(urls) in done.stderr


def test_missing_files_directories_and_wrong_options_end_with_2(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 3)
    missing = jobs.call("run", tmp_path / "nowhere.txt", "-o", tmp_path / "out")
    assert missing.returncode == 2
    assert "there is no such file" in one_line(missing.stderr)
    assert not (tmp_path / "out").exists()
    assert jobs.call("run", tmp_path, "-o", tmp_path / "out").returncode == 2
    assert jobs.call("run", urls).returncode == 2
    assert jobs.call("run", urls, "-o", tmp_path / "out", "--fast").returncode == 2
    assert jobs.call("run", urls, "-o", urls).returncode == 2
    wrong = jobs.call("run", urls, "-o", tmp_path / "out", "--set", "worker.pool_sise=4")
    assert wrong.returncode == 2
    assert "did you mean worker.pool_size" in one_line(wrong.stderr)
    crawl = jobs.call("run", urls, "-o", tmp_path / "out", "--set", "crawl.depth=4")
    assert crawl.returncode == 2
    assert "--set crawl.depth: is for a crawl; use `fetcher crawl`" in one_line(crawl.stderr)
    assert jobs.call("status", tmp_path / "nowhere").returncode == 2
    assert jobs.call("verify", tmp_path / "nowhere").returncode == 2


@pytest.mark.parametrize(
    "command", ["run", "ventilator", "worker", "sink", "status", "verify", "config"]
)
def test_each_command_explains_itself_with_examples(command: str) -> None:
    done = jobs.call(command, "--help")
    assert done.returncode == 0
    assert f"fetcher {command}" in done.stdout.split("Examples:")[1]


# -- whose OUT is it -------------------------------------------------------------------------


def test_a_url_or_a_file_in_the_place_of_a_command_is_answered_with_the_command(
    tmp_path: Path,
) -> None:
    urls = jobs.write_urls(tmp_path / "my urls.txt", ["http://a.invalid/"])
    done = jobs.call("https://example.org/?a&b")
    assert done.returncode == 2 and "try: fetcher get 'https://example.org/?a&b'" in done.stderr
    done = jobs.call(str(urls))
    assert done.returncode == 2 and f"try: fetcher run '{urls}' -o out" in done.stderr


def test_a_changed_url_file_is_refused_with_4(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 50)
    out = tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *SLOW).returncode == 0
    content = urls.read_bytes()
    urls.write_bytes(content.replace(b"/33?", b"/XX?"))  # of the same length
    same_size = jobs.call("run", urls, "-o", out, *SLOW)
    assert same_size.returncode == 4
    assert "changed" in one_line(same_size.stderr)
    urls.write_bytes(content + b"http://test.invalid/more\n")
    longer = jobs.call("run", urls, "-o", out, *SLOW)
    assert longer.returncode == 4
    assert f"{urls} has changed since {out} was begun" in one_line(longer.stderr)
    urls.write_bytes(content)
    assert jobs.call("run", urls, "-o", out, *SLOW).returncode == 0


def test_a_directory_with_other_things_in_it_is_refused_with_4(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 3)
    done = jobs.call("run", urls, "-o", tmp_path, *SLOW)
    assert done.returncode == 4
    assert "urls.txt" in one_line(done.stderr)


def test_two_runs_on_one_directory_are_refused_with_4(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 60, ms=300)
    out = tmp_path / "out"
    with jobs.forked("run", urls, "-o", out, *SLOW, "--set=lease.silent_s=60") as job:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        assert job.signal("worker", signal.SIGSTOP), "or the job may be over before the second"
        second = jobs.call("run", urls, "-o", out, *SLOW)
        assert job.signal("worker", signal.SIGCONT)
        assert second.returncode == 4
        assert "in use" in one_line(second.stderr)
        assert job.wait()[0] == 0
    jobs.prove(out, urls)


# -- stopping --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_lets_requests_finish_commits_them_and_says_how_to_resume(
    site: RunningSite, tmp_path: Path, number: signal.Signals
) -> None:
    lines = [site.url(f"/latency/300?n={n}") for n in range(200)]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    out = tmp_path / "out"
    site.reset()
    with jobs.running("run", urls, "-o", out, *QUICK) as job:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        job.process.send_signal(number)
        code, _, error = job.wait(60)
    assert code == 3
    assert "the same command resumes" in error
    assert "Traceback" not in error
    done = jobs.committed(out)
    assert 0 < done < 200
    assert len(site.hits()) == done, "the answers in flight were not committed"
    assert jobs.call("run", urls, "-o", out, *QUICK).returncode == 0
    assert set(site.hits().values()) == {1}
    jobs.prove(out, urls)


def test_a_second_ctrl_c_leaves_at_once_and_loses_nothing_committed(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 300, ms=200_000)
    lines = urls.read_text().splitlines()
    lines[:40] = [f"http://test.invalid/{n}?ms=10" for n in range(40)]
    jobs.write_urls(urls, lines)
    out = tmp_path / "out"
    with jobs.running("run", urls, "-o", out, *SLOW) as job:
        wait_until(lambda: jobs.committed(out) >= 40, what="the first commits")
        job.process.send_signal(signal.SIGINT)
        wait_until(lambda: not job.role("ventilator"), what="the first Ctrl-C to take effect")
        job.process.send_signal(signal.SIGINT)
        assert job.wait(60)[0] == 3
    assert jobs.committed(out) >= 40
    unfinished = jobs.call("verify", out)
    assert unfinished.returncode == 6
    assert "resume" in unfinished.stdout


# -- looking ---------------------------------------------------------------------------------


def test_status_tells_how_far_a_job_is_during_and_after(tmp_path: Path) -> None:
    go, out = tmp_path / "go", tmp_path / "out"
    lines = [f"http://test.invalid/{n}" for n in range(299)] + [f"http://test.invalid/?file={go}"]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    with jobs.forked("run", urls, "-o", out, *SLOW) as job:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        during = json.loads(jobs.call("status", out, "--json").stdout)
        assert during["state"] == "running"
        assert 0 < during["rows"] < 300
        assert (during["url_lines"], during["url_lines_exact"]) == (300, True)
        go.touch()
        assert job.wait()[0] == 0
    after = jobs.call("status", out)
    assert after.returncode == 0
    assert "complete, 300 of 300 lines (100.0 %)" in after.stdout


def test_verify_names_the_lines_that_are_wrong_and_ends_with_6(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 40, ms=1)
    out = tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *SLOW).returncode == 0
    part = out / "results" / "part-00000.jsonl"
    rows = part.read_bytes().splitlines(keepends=True)
    twice = next(n for n, row in enumerate(rows) if json.loads(row)["line"] == 17)
    lost = next(n for n, row in enumerate(rows) if json.loads(row)["line"] == 18)
    rows[lost] = rows[twice]
    part.write_bytes(b"".join(rows))
    done = jobs.call("verify", out)
    assert done.returncode == 6
    assert "line 17: more than one row" in done.stdout
    assert "line 18: no row" in done.stdout


def test_damage_on_disk_stops_loudly_with_5(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 40, ms=1)
    out = tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *SLOW).returncode == 0
    part = out / "results" / "part-00000.jsonl"
    part.write_bytes(part.read_bytes()[:-100])
    for command in (("run", urls, "-o", out, *SLOW), ("verify", out)):
        done = jobs.call(*command)
        assert done.returncode == 5, done.stderr
        assert "were committed, but only" in one_line(done.stderr)


def test_config_shows_each_value_and_its_origin(tmp_path: Path) -> None:
    conf = tmp_path / "my.toml"
    conf.write_text("[worker]\npool_size = 77\n")
    done = jobs.call("config", "-c", conf, "--set", "http.max_redirects=3")
    assert done.returncode == 0
    shown = tomllib.loads(done.stdout)
    assert shown["worker"]["pool_size"] == 77
    assert shown["http"]["max_redirects"] == 3
    origins = {line.split(" = ")[0]: line.split("  # ")[-1] for line in done.stdout.splitlines()}
    assert origins["pool_size"] == str(conf)
    assert origins["max_redirects"] == "--set http.max_redirects"
    assert origins["batch_size"] == "default"


def test_what_config_shows_can_be_used_as_a_config_file(tmp_path: Path) -> None:
    first = jobs.call("config", "--set", "worker.pool_size=77")
    conf = tmp_path / "all.toml"
    conf.write_text(first.stdout)
    again = jobs.call("config", "-c", conf)
    assert again.returncode == 0, again.stderr
    assert tomllib.loads(again.stdout) == tomllib.loads(first.stdout)


def test_a_url_file_that_shrinks_while_it_is_read_ends_the_job_with_2(tmp_path: Path) -> None:
    # Far more bytes than are read ahead.
    lines = [f"http://test.invalid/{n}/{'x' * 1000}?ms=10" for n in range(2_000)]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    size = urls.stat().st_size
    out = tmp_path / "out"
    with jobs.forked("run", urls, "-o", out, *SLOW) as job:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        os.truncate(urls, size // 2)
        code, _, error = job.wait(60)
    assert code == 2
    assert "changed while it was read" in error


def test_a_pool_beyond_the_limit_on_open_files_says_what_to_raise(tmp_path: Path) -> None:
    urls = slow_urls(tmp_path / "urls.txt", 3)
    limit = f"ulimit -n 1000; exec {shlex.join(jobs.command('run', urls, '-o', tmp_path / 'out'))}"
    done = subprocess.run(
        ["bash", "-c", f"{limit} --workers=1 --pool-size=5000"],
        capture_output=True,
        cwd=jobs.ROOT,
        env=jobs.ENV,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "ulimit" in one_line(done.stderr.decode())


def test_a_long_temporary_directory_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setitem(jobs.ENV, "TMPDIR", str(deep))
    urls = slow_urls(tmp_path / "urls.txt", 5)
    done = jobs.call("run", urls, "-o", tmp_path / "out", *SLOW)
    assert done.returncode == 0, done.stderr
    jobs.prove(tmp_path / "out", urls)
