"""`fetch` as programs use it: every input has its row, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fetcher.api import Job, Outcome, Row, fetch
from fetcher.errors import ConflictError, InputError, UsageError
from fetcher.rows.forms import CODECS
from fetcher.store import manifest
from fetcher.store.reader import read_part, segments
from fetcher.store.reader import rows as read
from support import jobs
from support.programs import ONE, SLOW, roles, urls
from tools.site.running import RunningSite

pytestmark = pytest.mark.usefixtures("temporary")


def test_every_input_has_one_row_that_says_what_came_of_it(site: RunningSite) -> None:
    inputs: list[str | dict[str, object]] = [
        site.url("/bytes/10"),
        {"url": site.url("/status/404"), "id": "mine"},
        {"url": site.url("/headers"), "method": "POST", "body": b"\xff", "headers": {"X-A": "b"}},
        site.url("/redirect/2"),
        "",
        "# no comment here",
        "http://10.0.0.1/",
        "http://a.test/\nhttp://b.test/",
    ]
    rows = {row.line: row for row in fetch(inputs, settings=ONE)}
    assert sorted(rows) == list(range(1, len(inputs) + 1))
    good, missing, posted, moved, *bad = (rows[line] for line in sorted(rows))
    assert (good.ok, good.status, good.body_bytes, good.error) == (True, 200, 10, None)
    assert good.header("CONTENT-LENGTH") == "10"
    assert (good.header("X-None"), good.id, good.columns) == (None, None, None)
    assert (missing.ok, missing.outcome, missing.id) == (False, Outcome.HTTP_ERROR, "mine")
    assert posted.ok
    assert (moved.ok, len(moved.redirects)) == (True, 2)
    kinds = [row.outcome for row in bad]
    assert kinds == [
        Outcome.INVALID_URL,
        Outcome.INVALID_URL,
        Outcome.BLOCKED,
        Outcome.INVALID_URL,
    ]
    assert all(row.error and not row.ok for row in bad)


def test_a_file_is_read_as_fetcher_run_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text("name,url\na,http://test.invalid/?ms=1\n")
    rows = list(fetch(path, settings=SLOW, input={"keep_columns": True}))
    assert [(row.line, row.url, row.columns) for row in rows] == [
        (2, "http://test.invalid/?ms=1", {"name": "a"})
    ]


@pytest.mark.parametrize("output", [{}, {"rows": "msgpack", "compression": "zstd"}])
def test_rows_come_while_the_job_runs_and_in_the_order_of_commit(
    tmp_path: Path, output: dict[str, str]
) -> None:
    out = tmp_path / "out"
    rows = fetch(
        urls(300, ms=100), out=out, settings=SLOW, sink={"segment_bytes": 500}, output=output
    )
    first = next(rows)
    assert jobs.committed(out) < 300
    order = [first.line, *(row.line for row in rows)]
    part = read_part(out)
    decode = CODECS[part.manifest.output.rows].decode
    written = [decode(row).line for each in segments(part) for row in read(each)]
    assert len(segments(part)) > 2
    assert order == written
    assert sorted(order) == list(range(1, 301))
    assert jobs.call("verify", out).returncode == 0


def test_without_inputs_there_are_neither_rows_nor_processes(tmp_path: Path) -> None:
    assert list(fetch([], out=tmp_path / "out")) == []
    assert not (tmp_path / "out").exists()


def test_a_job_in_out_resumes_and_another_one_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = fetch(urls(300, ms=100), out=out, settings=SLOW)
    early = [next(rows) for _ in range(20)]
    rows.close()
    kept = jobs.committed(out)
    assert 20 <= kept < 300
    with pytest.raises(
        ConflictError, match=r"another job, begun on .* with .*; the input now \(urls\) differs"
    ):
        list(fetch(urls(299), out=out, settings=SLOW))
    with pytest.raises(ConflictError, match="another job, which had input, and urls is empty"):
        list(fetch([], out=out))
    again = list(fetch(urls(300, ms=100), out=out, settings=SLOW))
    assert again[:20] == early
    assert Counter(row.line for row in again) == Counter(range(1, 301))
    # What is complete is only read.
    assert list(fetch(urls(300, ms=100), out=out, settings=SLOW)) == again


def test_what_reading_the_urls_raises_is_raised_and_nothing_is_kept(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "http://test.invalid/"
        raise OSError("the database has left")

    out = tmp_path / "out"
    with pytest.raises(OSError, match="the database has left"):
        list(fetch(broken(), out=out))
    assert not (out / manifest.SPOOL_NAME).exists()
    with pytest.raises(OSError, match="the database has left"):
        list(fetch(broken()))


def test_a_file_that_is_not_a_list_is_refused_before_any_process_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt: No such file"):
        list(fetch(tmp_path / "nowhere.txt"))
    with pytest.raises(InputError, match="is a directory"):
        list(fetch(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^out .*file is a file, not a directory"):
        list(fetch(["http://test.invalid/"], out=tmp_path / "file"))


def _break(rows: Generator[Row, None, None]) -> None:
    for _row in rows:
        break


def _raise(rows: Generator[Row, None, None]) -> None:
    with pytest.raises(ZeroDivisionError):
        for row in rows:
            assert row.line / 0


def _throw(rows: Generator[Row, None, None]) -> None:
    next(rows)
    with pytest.raises(KeyboardInterrupt):
        rows.throw(KeyboardInterrupt())


def _cycle(rows: Generator[Row, None, None]) -> None:
    next(rows)
    holder: list[Any] = [rows]
    holder.append(holder)


@pytest.mark.parametrize("leave", [_break, _raise, _throw, _cycle])
def test_leaving_early_ends_all_processes_and_removes_all_files(
    temporary: Path, leave: Callable[[Generator[Row, None, None]], None]
) -> None:
    seen: list[psutil.Process] = []

    def watched() -> Generator[Row, None, None]:
        rows = fetch(urls(1000, ms=200), settings=SLOW)
        assert not list(temporary.iterdir()), "nothing is made before it is iterated"
        for row in rows:
            seen.extend(roles())
            yield row

    leave(watched())
    gc.collect()
    assert len(seen) == 3
    assert not any(child.is_running() for child in seen)
    assert not list(temporary.iterdir())


def test_it_works_in_a_thread_and_leaves_signal_handlers_alone() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    before = [signal.getsignal(number) for number in numbers]
    during: list[object] = []
    lines: list[int] = []

    def work() -> None:
        for row in fetch(urls(50), settings=SLOW):
            during.append([signal.getsignal(number) for number in numbers])
            lines.append(row.line)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert sorted(lines) == list(range(1, 51))
    assert all(handlers == before for handlers in during)


def test_it_works_in_a_running_event_loop_together_with_other_tasks() -> None:
    async def beats(stop: asyncio.Event) -> int:
        count = 0
        while not stop.is_set():
            await asyncio.sleep(0.01)
            count += 1
        return count

    async def main() -> tuple[int, int, int]:
        blocking = len(list(fetch(urls(20), settings=SLOW)))
        stop = asyncio.Event()
        beating = asyncio.create_task(beats(stop))
        rows = fetch(urls(50, ms=20), settings=SLOW)
        count = 0
        while await asyncio.to_thread(next, rows, None) is not None:
            count += 1
        stop.set()
        return blocking, count, await beating

    blocking, count, beaten = asyncio.run(main())
    assert (blocking, count) == (20, 50)
    assert beaten > 10


def test_two_jobs_run_at_the_same_time() -> None:
    pairs = zip(fetch(urls(40), settings=SLOW), fetch(urls(40), settings=SLOW), strict=True)
    assert len(list(pairs)) == 40


def test_a_worker_that_dies_costs_no_row(caplog: pytest.LogCaptureFixture) -> None:
    with Job(urls(200, ms=100), settings=SLOW) as job:
        rows = job.rows()
        lines = [next(rows).line]
        (worker,) = [child for child in roles() if "worker_main" in " ".join(child.cmdline())]
        worker.kill()
        lines += [row.line for row in rows]
    assert sorted(lines) == list(range(1, 201))
    assert "fetcher: worker1 ended (signal 9); starting it again" in caplog.text
