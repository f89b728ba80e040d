"""The fault harness, and its quickest faults: over proxies, so that nobody need be root.

All of them: `make faults`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import shutil
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import jobs
from tools.faults import shim as shims
from tools.faults.__main__ import main, run_fault
from tools.faults.cluster import INSECURE, FaultError, prove
from tools.faults.faults import FAULTS, Fault, Scene
from tools.faults.network import choose
from tools.faults.proxy import Link, ProxyThread
from tools.faults.report import Outcome, markdown
from tools.faults.sweep import try_step
from tools.ports import free_ports

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shims.build(tmp_path_factory.mktemp("shim"))


# -- the proxy -------------------------------------------------------------------------------


@pytest.fixture
def pair() -> Iterator[tuple[ProxyThread, Link, socket.socket, socket.socket]]:
    """A client and a server that are connected through a link."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        proxy = ProxyThread()
        stack.callback(proxy.close)
        ours = ("127.0.0.1", free_ports(1))
        link = proxy.link(ours, server.getsockname())
        client = stack.enter_context(socket.create_connection(ours))
        accepted = stack.enter_context(server.accept()[0])
        for each in (client, accepted):
            each.settimeout(60)
        client.sendall(b"ping")
        assert accepted.recv(4) == b"ping"
        yield proxy, link, client, accepted


Pair = tuple[ProxyThread, Link, socket.socket, socket.socket]


def test_a_cut_link_closes_and_refuses_until_it_is_healed(pair: Pair) -> None:
    proxy, link, client, accepted = pair
    ours = client.getpeername()
    proxy.call(link.cut)
    assert client.recv(1) == accepted.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(ours)
    proxy.call(link.heal)
    socket.create_connection(ours).close()


def test_a_black_hole_passes_nothing_and_closes_nothing(pair: Pair) -> None:
    proxy, link, client, accepted = pair
    proxy.call(link.drop)
    client.sendall(b"lost for now")
    accepted.settimeout(0.2)
    with pytest.raises(TimeoutError):
        accepted.recv(1)
    proxy.call(link.heal)
    accepted.settimeout(60)
    assert accepted.recv(100) == b"lost for now"


def test_a_reset_is_one_at_both_ends(pair: Pair) -> None:
    proxy, link, client, accepted = pair
    assert proxy.call(link.reset) == 1
    for each in (client, accepted):
        with pytest.raises(ConnectionResetError):
            each.recv(1)


def test_a_connection_is_reset_after_exactly_so_many_bytes(pair: Pair) -> None:
    proxy, link, client, _ = pair
    proxy.call(functools.partial(link.reset_after, [0]))
    with socket.create_connection(client.getpeername()) as second:
        second.settimeout(60)
        second.sendall(b"12345")
        with pytest.raises(ConnectionResetError):
            second.recv(1)
    assert link.resets == 1


def test_whatever_is_on_its_way_when_a_proxy_ends_is_closed() -> None:
    with warnings.catch_warnings(record=True) as told, contextlib.ExitStack() as stack:
        warnings.simplefilter("always")
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
        proxy = ProxyThread()
        ours = ("127.0.0.1", free_ports(1))
        proxy.link(ours, server.getsockname())
        for _ in range(50):  # just accepted, and waiting for a server that takes no more
            stack.enter_context(socket.create_connection(ours))
        proxy.close()
        del proxy
        gc.collect()
    assert [str(each.message) for each in told] == []


# -- the quick faults ------------------------------------------------------------------------


def try_fault(fault: Fault, tmp_path: Path, library: Path) -> Outcome:
    outcome, mechanism = run_fault(fault, tmp_path / "fault", library, "proxy", INSECURE)
    assert "proxy" in mechanism
    assert not outcome.error, outcome.error
    assert min(outcome.peak_bytes.values()) > 10_000_000
    assert max(outcome.peak_bytes.values()) < 200_000_000
    return outcome


_CUT_S = 2.5  # how long the fault lasts: longer than lease.finished_s


def cut_off_and_healed(scene: Scene) -> str:
    """One of two workers without the sink for a while; the other goes on at first, at least."""
    cluster, network = scene.cluster, scene.cluster.network
    network.cut("worker1", "sink")
    time.sleep(_CUT_S)
    before = cluster.committed()
    cluster.until_more(before + 100, 4, "rows of the other worker")
    network.heal("worker1", "sink")
    return f"{cluster.committed()} rows"


@needs_compiler
def test_a_worker_cut_off_from_the_sink_for_a_while_costs_no_row(
    tmp_path: Path, library: Path
) -> None:
    settings = ("lease.finished_s=1", "lease.tail_after_s=60")
    fault = Fault(
        "", "", cut_off_and_healed, 2_000, most_refetched=0.2, settings=settings, pad_bytes=100
    )
    try_fault(fault, tmp_path, library)


@needs_compiler
def test_a_failed_fsync_is_a_loud_stop_and_a_new_sink_completes_the_job(
    tmp_path: Path, library: Path
) -> None:
    known = FAULTS["fsync-error"]
    fault = Fault("", "", known.act, 700, prepare=known.prepare, most_refetched=0.5)
    outcome = try_fault(fault, tmp_path, library)
    assert "exit code 5" in outcome.said
    assert "fsync failed" in outcome.said or "disk I/O error" in outcome.said


@needs_compiler
def test_a_sink_killed_within_a_write_costs_no_row(tmp_path: Path, library: Path) -> None:
    steps = ((23, False), (60, True))
    with ThreadPoolExecutor(2) as pool:
        tries = [
            pool.submit(try_step, tmp_path / str(step), library, step, torn=torn)
            for step, torn in steps
        ]
        for each in tries:
            found = each.result()
            assert found.struck
            assert not found.error


# -- what the harness sees and says ----------------------------------------------------------


def test_a_missing_and_a_doubled_row_are_seen(tmp_path: Path) -> None:
    urls = ["http://test.invalid/1", "http://test.invalid/2"]
    urlfile = tmp_path / "urls.txt"
    urlfile.write_text("".join(f"{url}\n" for url in urls))
    out = tmp_path / "out"
    options = ("--workers=1", "--set=worker.transport=null")
    assert jobs.call("run", urlfile, "-o", out, *options).returncode == 0
    part = out / "results" / "part-00000.jsonl"
    rows = part.read_bytes().splitlines(keepends=True)
    for damaged in (rows[:1], [*rows, rows[0]]):
        part.write_bytes(b"".join(damaged))
        with pytest.raises(FaultError):
            prove(out, urlfile, urls)


def test_the_table_says_what_failed_and_on_which_network() -> None:
    good = Outcome("a", "first", said="all|well", seconds=3, lines=10, refetched=1)
    bad = Outcome("b", "second", error="lost\nmore")
    text = markdown([good, bad], "strings and cans")
    assert "| `a` | first | one row a line | 3 | 1 of 10 | - | all\\|well |" in text
    assert "| `b` | second | FAILED | 0 | - | - | lost |" in text
    assert "strings and cans" in text
    again = markdown([Outcome("a", "first", seconds=4)], "strings and cans", text)
    assert "| `a` | first | one row a line | 4 |" in again
    assert "| `b` | second | FAILED |" in again
    assert "`b`" not in markdown([good], "wires", text), "rows of another network are not kept"


def test_an_unknown_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["no-such"]) == 2
    assert "no such fault: no-such" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault(name: str, tmp_path: Path, library: Path) -> None:
    outcome, _ = run_fault(FAULTS[name], tmp_path / "fault", library, choose("auto")[0], INSECURE)
    assert not outcome.error, outcome.error
