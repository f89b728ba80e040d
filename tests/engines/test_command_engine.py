"""Jobs on the engine `command`, whose slots are processes of this host or of a command."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.engines.slot_order import SlotOrder, encode
from fetcher.errors import Exit
from support import engines, jobs
from support.engines import EngineUnderTest, marked
from support.waiting import wait_until


@pytest.fixture
def engine() -> Iterator[EngineUnderTest]:
    with marked() as mark:
        yield EngineUnderTest(mark, ("--engine=command",))


def test_all_lines_are_fetched_once(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_whole_job(engine, tmp_path)


def test_a_slot_that_was_killed_is_replaced_and_leaves_no_orphan(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    engines.check_killed_worker(engine, tmp_path)


def test_slots_end_with_a_driver_that_was_killed(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_killed_driver(engine, tmp_path)


def test_ctrl_c_drains_the_slots(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_interrupted(engine, tmp_path)


@pytest.mark.slow
def test_slots_are_renewed_before_their_time_is_long(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 1200), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        engines.finish(engine.start(stack, urls, out, 1, "--set=engine.slot_s=3"))
    rows = jobs.prove(out, urls)
    assert len({row.worker for row in rows}) > 1


def test_a_command_runs_the_slots_and_knows_their_numbers(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 200), tmp_path / "out"
    command = f"echo {{number}} >> {tmp_path}/numbers; exec {jobs.PROGRAM} slot"
    with contextlib.ExitStack() as stack:
        engines.finish(engine.start(stack, urls, out, 2, f"--set=engine.command={command}"))
    jobs.prove(out, urls)
    assert sorted((tmp_path / "numbers").read_text().split())[:2] == ["1", "2"]
    engines.require_no_slots(engine)


def test_the_environment_of_a_slot_says_which_routes_it_serves(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    (urls, conf), out = engines.write_routed_urls(tmp_path, 300), tmp_path / "out"
    route = f"test {{number}} = 1 && name=eu || name=default; echo $name >> {tmp_path}/names"
    run = f"FETCHER_WORKER__ROUTES='[\"'$name'\"]' exec {jobs.PROGRAM} slot"
    with contextlib.ExitStack() as stack:
        more = ("-c", str(conf), f"--set=engine.command={route}; {run}")
        engines.finish(engine.start(stack, urls, out, 2, *more))
    engines.prove_routes(out, urls)
    engines.require_no_slots(engine)


def test_a_command_may_choose_by_the_queue_where_a_route_is_served(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    (urls, conf), out = engines.write_routed_urls(tmp_path, 200), tmp_path / "out"
    command = f"echo {{queue}} >> {tmp_path}/queues; exec {jobs.PROGRAM} slot"
    with contextlib.ExitStack() as stack:
        more = ("-c", str(conf), f"--set=engine.command={command}")
        engines.finish(engine.start(stack, urls, out, 1, *more))
    engines.prove_routes(out, urls)
    assert {*(tmp_path / "queues").read_text().split()} == {"fetcher", "fetcher.eu"}
    engines.require_no_slots(engine)


def test_a_queue_of_a_route_is_refused_if_the_command_does_not_use_it(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    (urls, conf), out = engines.write_routed_urls(tmp_path, 5), tmp_path / "out"
    conf.write_text(f'{conf.read_text()}queue = "europe"\n')
    done = jobs.call(*engine.command(urls, out, 1, "-c", str(conf)))
    assert done.returncode == Exit.USAGE
    assert "[[routes]] eu: queue: --engine command has no queues" in done.stderr
    assert "put {queue} into engine.command" in done.stderr


def test_the_job_s_own_routes_win_over_those_of_the_environment(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    (urls, conf), out = engines.write_routed_urls(tmp_path, 60), tmp_path / "out"
    command = f"FETCHER_WORKER__ROUTES='[\"absent\"]' exec {jobs.PROGRAM} slot"
    with contextlib.ExitStack() as stack:
        routes = '--set=worker.routes=["eu", "default"]'
        more = ("-c", str(conf), f"--set=engine.command={command}", routes)
        engines.finish(engine.start(stack, urls, out, 1, *more))
    jobs.prove(out, urls)


def test_slots_that_cannot_connect_back_are_one_clear_error(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        # Nobody listens at this address of the loopback network.
        job = engine.start(
            stack, urls, out, 1, "--set=engine.advertise=127.9.9.9", "--set=engine.connect_s=2"
        )
        code, _, error = job.wait(60)
    assert code == Exit.USAGE, error
    assert "no worker has connected within 2 s (engine.connect_s)" in error
    assert "workers must reach 127.9.9.9, ports " in error
    engines.require_no_slots(engine)


def test_a_command_that_fails_is_named_in_the_error(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(
            stack, urls, out, 1, "--set=engine.command=exit 7", "--set=engine.connect_s=3"
        )
        code, _, error = job.wait(60)
    assert code == Exit.USAGE, error
    assert "exit code 7" in error


def test_the_key_and_secret_settings_are_in_no_argument_and_no_ticket(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 400), tmp_path / "out"
    command = f"tee {tmp_path}/order | {jobs.PROGRAM} slot"
    with contextlib.ExitStack() as stack:
        job = engine.start(
            stack,
            urls,
            out,
            1,
            "--header=Authorization: Bearer x1y2",
            f"--set=engine.command={command}",
            f"--set=engine.secrets_dir={tmp_path}",
        )
        wait_until(lambda: jobs.committed(out) > 0, 60, "rows")
        secrets = next(tmp_path.glob("fetcher-*.json")).read_text()
        assert "x1y2" in secrets
        key = secrets.split('"key":"')[1].split('"')[0]
        slots = engine.slots() + engine.mark.processes(engines.WORKER)
        seen = "".join(word for each in slots for word in each.cmdline())
        order = (tmp_path / "order").read_text()
        engines.finish(job)
    for secret in ("x1y2", key):
        assert secret not in order
        assert secret not in seen
    assert not list(tmp_path.glob("fetcher-*.json"))


def test_top_asks_the_ventilator_of_a_running_job(engine: EngineUnderTest, tmp_path: Path) -> None:
    (urls, _), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        engine.start(stack, urls, out, 1)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        wait_until(lambda: "command@" in jobs.call("top", out, "--once").stdout, 60, "its worker")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        # The tests' environment says how many; 0 is the setting's default.
        (("--engine=command", "--set=worker.processes=0"), "say with --workers how many workers"),
        (("--engine=celry", "--workers=2"), "unknown engine (did you mean celery?)"),
        (("--engine=zzz", "--workers=2"), "there are celery, command"),
    ],
)
def test_wrong_usage_is_refused_before_anything_starts(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    urls = engines.write_urls(tmp_path, 5)
    done = jobs.call("run", urls, "-o", tmp_path / "out", *options)
    assert done.returncode == Exit.USAGE
    assert said in done.stderr


def test_a_slot_without_a_ticket_says_who_starts_slots() -> None:
    done = jobs.call("slot")
    assert done.returncode == Exit.USAGE
    assert "`fetcher run --engine` starts slots" in done.stderr


def test_a_ticket_of_another_version_ends_its_slot_with_the_reason() -> None:
    done = jobs.call("slot", stdin=encode(SlotOrder({"version": "0.0.1"})))
    assert done.returncode == Exit.USAGE
    assert '"error":"the slot\'s ticket was made by fetcher 0.0.1' in done.stdout


def test_a_worker_leaves_a_silent_network_with_an_exit_code_of_its_own() -> None:
    done = jobs.call(
        "worker",
        "--processes=1",
        "--ventilator=tcp://127.0.0.1:1",
        "--sink=tcp://127.0.0.1:5",
        "--set=worker.patience_s=1",
    )
    assert done.returncode == Exit.UNHEARD
    assert "no ventilator was heard at tcp://127.0.0.1:1 for 1 s (worker.patience_s)" in done.stderr


def test_an_interrupted_start_leaves_nothing(engine: EngineUnderTest, tmp_path: Path) -> None:
    urls, out = engines.write_urls(tmp_path, 100), tmp_path / "out"

    def sleeping() -> bool:
        return any(process.name() == "sleep" for process in engine.mark.processes("100"))

    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2, "--set=engine.command=sleep 100; true")
        wait_until(sleeping, 60, "slots that never connect")
        job.process.send_signal(signal.SIGINT)
        assert job.wait(60)[0] == 3
    wait_until(lambda: not sleeping(), 60, "the end of the commands")
