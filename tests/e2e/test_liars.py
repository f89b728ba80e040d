"""A worker that sends false results costs no line, and no line appears twice."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest

from fetcher.model import Outcome
from fetcher.security import keygen
from support import jobs
from support.hosts import Hosts
from support.liar import LIES, Liar, name_under
from support.waiting import wait_until

pytestmark = pytest.mark.promise

WAITED_S = 8.0  # within this time, the ventilator gives up a line whose rows get lost
PACKED = "--set=output.compression=zstd"


@pytest.mark.parametrize(
    ("with_keys", "form"),
    [(False, (PACKED,)), (True, ())],
    ids=["without keys, packed", "with a valid key"],
)
def test_what_a_liar_sends_is_dropped_and_its_lines_are_fetched_elsewhere(
    tmp_path: Path, with_keys: bool, form: tuple[str, ...]
) -> None:
    hosts = Hosts(tmp_path, 200, ms=10)
    folder = tmp_path / "keys"
    keys = {"ventilator": "", "sink": "", "workers/honest": "", "workers/liar": ""}
    if with_keys:
        keygen.init(folder, ("honest", "liar"))
        keys = {name: str(folder / name) for name in keys}

    def under(name: str) -> tuple[str, ...]:
        return (f"--keys={keys[name]}",) if keys[name] else ()

    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(jobs.forked(*hosts.sink, *under("sink"), *form))
        ventilator = stack.enter_context(
            jobs.forked(*hosts.ventilator, *under("ventilator"), *form, "--set=lease.unclaimed_s=2")
        )
        name = name_under(Path(keys["workers/liar"]) if with_keys else None)
        liar = Liar(name, hosts.ventilator_port, hosts.sink_port, keys["workers/liar"])
        stack.callback(liar.close)
        assert liar.lie(30) == len(LIES)
        stack.enter_context(jobs.forked(*hosts.worker, *under("workers/honest")))
        assert ventilator.wait(90)[0] == 0
        code, _, error = sink.wait(60)
    assert code == 0, error
    assert "Traceback" not in error
    assert f"(from '{name}'; fetched again)" in error
    if form:
        assert jobs.call("verify", hosts.out, "--urls", hosts.urls).returncode == 0
    else:
        rows = jobs.prove(hosts.out, hosts.urls)
        assert not [row for row in rows if row.worker == name], "not one of its rows was honest"


def test_a_line_whose_row_the_sink_refuses_each_time_ends_as_crashed(tmp_path: Path) -> None:
    urls = [f"http://test.invalid/{n}?ms=5" for n in range(40)]
    urls[20] = "http://test.invalid/misnamed"
    listed, out = jobs.write_urls(tmp_path / "urls.txt", urls), tmp_path / "out"
    done = jobs.call(
        "run",
        listed,
        "-o",
        out,
        "--workers=2",
        f"--set=worker.transport={jobs.DEADLY}",
        "--set=job.batch_size=8",
        "--set=lease.finished_s=0.5",
    )
    assert done.returncode == 0, done.stderr
    assert "does not fit its line" in done.stderr, "the sink says what it refuses"
    rows = {row.line: row for row in jobs.prove(out, listed)}
    assert [line for line, row in rows.items() if row.outcome is not Outcome.OK] == [21]
    assert rows[21].outcome is Outcome.CRASHED
    assert "refused by the sink" in (rows[21].error or "")
    assert rows[21].error_kind == "lost"


def in_flight(hosts: Hosts) -> int:
    told = jobs.call("status", f"--ventilator={hosts.endpoint}", "--json")
    return int(json.loads(told.stdout)["in_flight"]) if told.returncode == 0 else 0


@pytest.mark.slow
def test_a_line_that_its_worker_has_from_an_earlier_ventilator_is_not_called_refused(
    tmp_path: Path,
) -> None:
    hosts, awaited = Hosts(tmp_path, 3), tmp_path / "awaited"
    jobs.write_urls(hosts.urls, [f"http://test.invalid/?file={awaited}"])
    quick = "--set=lease.finished_s=0.3"
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(jobs.forked(*hosts.sink))
        first = stack.enter_context(jobs.forked(*hosts.ventilator, quick))
        stack.enter_context(jobs.forked(*hosts.worker))
        wait_until(lambda: in_flight(hosts) == 1, what="the worker to have the line")
        first.process.kill()
        first.wait()
        again = stack.enter_context(jobs.forked(*hosts.ventilator, quick))
        time.sleep(WAITED_S)
        awaited.touch()
        assert again.wait(60)[0] == 0
        assert sink.wait(60)[0] == 0
    assert [row.outcome for row in jobs.prove(hosts.out, hosts.urls)] == [Outcome.OK]


def test_chunks_of_an_old_session_again_and_in_another_order_change_nothing(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 200, ms=10)
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(jobs.forked(*hosts.sink))
        ventilator = stack.enter_context(jobs.forked(*hosts.ventilator))
        peer = Liar("peer-1-0123456789-1", hosts.ventilator_port, hosts.sink_port)
        stack.callback(peer.close)
        sent = peer.be_honest(4, 30)
        assert len(sent) == 4
        wait_until(lambda: jobs.committed(hosts.out) == 40, what="its rows")
        ventilator.process.kill()
        ventilator.wait()
        peer.replay(sent[::-1] * 3)
        again = stack.enter_context(jobs.forked(*hosts.ventilator, "--set=lease.unclaimed_s=2"))
        peer.replay(sent * 3)
        stack.enter_context(jobs.forked(*hosts.worker))
        peer.replay(sent[::-1])
        assert again.wait(90)[0] == 0
        code, _, error = sink.wait(60)
    assert code == 0, error
    rows = jobs.prove(hosts.out, hosts.urls)
    assert sum(row.worker == "peer-1-0123456789-1" for row in rows) == 40
