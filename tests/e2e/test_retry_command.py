"""`fetcher retry` fetches the failed lines again, under their numbers, into another OUT."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from fetcher.cli.main import cli
from fetcher.errors import ConflictError, DamageError, InputError, UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import Selection, parse
from fetcher.model import Outcome
from fetcher.store.lock import DirectoryLock
from fetcher.store.selection import keep
from fetcher.verify.audit import Audit
from fetcher.watch.status import look
from support import jobs, outs
from support.crowded import Answer, crowded_site
from support.waiting import wait_until


def call(*arguments: object) -> None:
    """In this process; for what ends before any other is started."""
    cli.main([str(each) for each in arguments], standalone_mode=False)


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())
    return found


def test_a_failed_line_keeps_its_number_and_request_and_the_merged_view_has_its_new_row(
    tmp_path: Path,
) -> None:
    healed = threading.Event()

    def behave(name: str, path: str, number: int) -> Answer:
        sick = path == "/sick" and not healed.is_set()
        return (503 if sick else 404 if path == "/gone" else 200, {}, b"x", 0.0)

    urlfile, out, again = tmp_path / "urls.jsonl", tmp_path / "out", tmp_path / "again"
    with crowded_site(behave) as site:
        base = f"http://127.0.0.1:{site.port}"
        shaped = {"url": f"{base}/sick", "method": "POST", "body": "a=1", "headers": {"X-1": "y"}}
        lines: list[dict[str, object]] = [
            {"url": f"{base}/well", "id": 1},
            {**shaped, "id": "two"},
            {"url": f"{base}/gone"},
            {"url": "ftp://no"},
        ]
        text = "# a comment\n\n" + "\n\n\n".join(map(json.dumps, lines))
        urlfile.write_text(text)
        options = ("--workers=1", "--set=worker.pool_size=4", "-q")
        first = jobs.call("run", urlfile, "-o", out, "--batch-size=3", *options)
        assert first.returncode == 0, first.stderr
        healed.set()
        site.asked.clear()
        second = jobs.call("retry", out, "-o", again, *options)
        assert second.returncode == 0, second.stderr
        (asked,) = site.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/sick", b"a=1")
    assert asked.headers["x-1"] == "y"
    (row,) = jobs.rows(again)
    assert (row.line, row.id, row.outcome) == (6, "two", Outcome.OK)
    assert manifest(again)["selection"]["parent_job"] == manifest(out)["job"]
    assert manifest(again)["input"]["url_lines"] == 1
    report = Audit([again], None).run()
    assert (report.proven, report.url_lines, report.rows) == (True, 1, 1)
    seen = look([again])
    assert (seen.state, seen.rows, seen.url_lines) == ("complete", 1, 1)
    assert (seen.retry_of, look([out]).retry_of) == (str(out), None)
    merged = Merged([out, again], partial=False)
    found = sorted((each.result.line, each.result.status) for each in merged.rows())
    assert found == [(3, 200), (6, 200), (9, 404), (12, None)]
    assert merged.replaced == 1


@pytest.fixture
def failed(tmp_path: Path) -> Path:
    """An OUT in which every third of 600 lines timed out."""
    rows = (outs.row(line, Outcome.OK if line % 3 else Outcome.TIMEOUT) for line in range(1, 601))
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 600), rows)


def test_a_retry_that_began_while_another_waited_for_out_is_left_alone(
    failed: Path, tmp_path: Path
) -> None:
    begun, out = tmp_path / "begun", tmp_path / "again"
    null = ("--workers=1", "--set=worker.transport=null", "-q")
    assert jobs.call("retry", failed, "-o", begun, *null).returncode == 0
    out.mkdir()
    lock = DirectoryLock(out)
    with jobs.forked("retry", failed, "-o", out, "--outcome=ok", *null) as job:
        wait_until(lambda: has_open(job.process.pid, out / "lock"), what="its wait")
        shutil.copytree(begun, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))
        lock.close()
        code, _, error = job.wait()
    assert (code, "was begun with" in error) == (4, True), error
    assert Audit([out], None).run().proven


def has_open(pid: int, path: Path) -> bool:
    return str(path) in [file.path for file in psutil.Process(pid).open_files()]


def test_kill_9_and_a_stop_cost_no_row_of_a_retry(failed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    command = (
        *("retry", failed, "-o", again, "--workers=1", "--pool-size=2"),
        *(f"--set=worker.transport={jobs.SLOW}", "--set=sink.commit_interval_s=0.05"),
        *("--set=lease.silent_s=1", "--set=lease.finished_s=1"),
    )
    with jobs.forked(*command) as job:
        wait_until(lambda: jobs.committed(again) > 0, what="the first commit")
        assert job.kill("ventilator")
        before = jobs.committed(again)
        wait_until(lambda: jobs.committed(again) > before, what="its successor")
        job.process.send_signal(signal.SIGINT)
        code, _, error = job.wait()
    assert code == 3, error
    assert jobs.committed(again) < 200
    done = jobs.call(*command)
    assert done.returncode == 0, done.stderr
    assert sorted(row.line for row in jobs.rows(again)) == list(range(3, 601, 3))
    verdict = jobs.call("verify", again)
    assert verdict.returncode == 0, verdict.stdout


def test_a_retry_of_nothing_is_complete_so_that_the_next_command_works(
    failed: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    for _ in range(2):  # the second resumes
        done = jobs.call("retry", failed, "--status=5xx,429", "-o", again)
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            "",
            f"fetcher: nothing to retry: no row of {failed} matches --status 429,5xx; "
            f"{again} has no rows; not ok and not chosen: timeout 200; to fetch these again, add "
            "--outcome timeout and name another -o\n",
        )
    assert Audit([again], None).run().proven
    assert look([again]).state == "complete"
    merged = Merged([failed, again], partial=False)
    assert (sum(1 for _ in merged.rows()), merged.replaced) == (600, 0)
    call("export", failed, again, "-o", tmp_path / "all.csv", "-q")
    with pytest.raises(ConflictError, match="no row matched, so it may be removed; resume"):
        call("retry", failed, "-o", again)


def test_another_file_than_the_one_that_failed_is_refused(failed: Path, tmp_path: Path) -> None:
    urlfile = tmp_path / "urls.txt"
    urlfile.write_text(urlfile.read_text().replace("/17\n", "/71\n"))
    with pytest.raises(ConflictError, match=r"is not the file that .*out was begun with"):
        call("retry", failed, "-o", tmp_path / "again")
    urlfile.unlink()
    with pytest.raises(InputError, match="name it with --urls"):
        call("retry", failed, "-o", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_an_out_that_is_not_this_retry_is_refused(failed: Path, tmp_path: Path) -> None:
    urlfile, begun = tmp_path / "urls.txt", tmp_path / "begun"
    kept = selected(failed, begun)
    outs.make_out(begun, urlfile, [outs.row(3)], selection=kept)
    with pytest.raises(ConflictError, match="begun with --outcome timeout; resume it with"):
        call("retry", failed, "-o", begun)
    with pytest.raises(ConflictError, match="is a run of its own, not a retry of"):
        call("retry", failed, "-o", outs.make_out(tmp_path / "own", urlfile, [outs.row(3)]))
    other = outs.make_out(tmp_path / "other", urlfile, map(outs.row, range(1, 601)))
    with pytest.raises(ConflictError, match=f"is a retry of {failed}, not a retry of {other}"):
        call("retry", other, "-o", begun, "--outcome=timeout")
    with pytest.raises(ConflictError, match=f"{other} belongs to another job than {failed}"):
        call("retry", failed, other, "-o", tmp_path / "again")
    with pytest.raises(UsageError, match="is the directory to retry"):
        call("retry", failed, "-o", failed)
    # And at the sink, whoever asks:
    for selection in (None, msgspec.structs.replace(kept, parent_job="another")):
        with pytest.raises(
            ConflictError, match=f"resume it with `fetcher retry {failed} --outcome"
        ):
            outs.make_out(begun, urlfile, [], selection=selection)
    with pytest.raises(ConflictError, match="begun with all lines"):
        (tmp_path / "own" / "selection.bits").write_bytes((begun / "selection.bits").read_bytes())
        outs.make_out(tmp_path / "own", urlfile, [], selection=kept)


def test_verify_knows_the_selected_lines_and_that_they_are_the_ones(
    failed: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    kept = selected(failed, begun)
    rows = [outs.row(line) for line in range(3, 601, 3)]
    outs.make_out(begun, tmp_path / "urls.txt", rows[:-1], selection=kept)
    assert Audit([begun], None).run().listed == ["line 600: no row"]
    (begun / "selection.bits").write_bytes(b"\xff")
    with pytest.raises(DamageError, match=r"selection.bits: holds other lines"):
        Audit([begun], None).run()
    (begun / "selection.bits").unlink()
    with pytest.raises(DamageError, match=r"selection.bits: No such file"):
        Audit([begun], None).run()


def selected(parent: Path, out: Path) -> Selection:
    out.mkdir()
    merged = Merged([parent], partial=False)
    wanted = parse("timeout", None)
    return keep(out, wanted_lines(merged, wanted), merged.parts, wanted)
