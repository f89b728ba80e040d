"""What the commands of single roles make of their options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fetcher.cli import roles
from fetcher.cli.roles import _given_to_sink, _only_sink
from fetcher.errors import StoppedError, UsageError
from fetcher.roles import main
from fetcher.roles.spec import RoleSpec
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Endpoints, Settings
from support import outs
from support.commands import run

SINKS = ("tcp://10.0.0.1:1", "tcp://10.0.0.2:1", "tcp://10.0.0.3:1")


def settings(*sinks: str) -> Settings:
    return Settings(endpoints=Endpoints(sink=sinks))


@pytest.mark.parametrize(
    ("sinks", "number", "own"),
    [
        (SINKS[:1], None, SINKS[0]),
        (SINKS[:1], 1, SINKS[0]),
        (SINKS, 1, SINKS[0]),
        (SINKS, 3, SINKS[2]),
    ],
)
def test_a_sink_has_its_own_endpoint_alone(
    sinks: tuple[str, ...], number: int | None, own: str
) -> None:
    assert _only_sink(settings(*sinks), number).endpoints.sink == (own,)


@pytest.mark.parametrize(
    ("sinks", "number", "said"),
    [
        (SINKS, None, "endpoints.sink lists 3 sinks: say with --number which of them this one is"),
        (SINKS, 4, "--number 4: endpoints.sink lists 3 sinks; name one of these"),
    ],
)
def test_one_of_several_sinks_must_say_which_it_is(
    sinks: tuple[str, ...], number: int | None, said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{said}$"):
        _only_sink(settings(*sinks), number)


def test_a_sink_insists_on_output_settings_and_on_its_own_options() -> None:
    origins = {
        "output.bodies": "my.toml",
        "job.batch_size": "my.toml",
        "input.format": "--set input.format",
        "http.proxy": "FETCHER_HTTP__PROXY",
    }
    found = _given_to_sink(Loaded(Settings(), origins), Path("my.toml"))
    assert found.keys() == {"output.bodies", "input.format", "http.proxy"}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[RoleSpec]:
    """The specs of roles that a command would run."""
    found: list[RoleSpec] = []

    def noted(spec: RoleSpec) -> int:
        found.append(spec)
        return 7

    monkeypatch.setattr(main, "run", noted)
    return found


def test_a_ventilator_has_its_file_its_sinks_and_what_was_given(
    begun: list[RoleSpec], tmp_path: Path
) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    ends = ("--ventilator", "tcp://10.0.0.9:5", "--sink", SINKS[0], "--sink", SINKS[1])
    done = run("ventilator", urls, *ends, "--keys", "k", "--batch-size", "9", "-q")
    (spec,) = begun
    assert (done.code, spec.role, spec.urlfile, spec.keys) == (7, "ventilator", str(urls), "k")
    assert (spec.ventilator, tuple(spec.sinks)) == ("tcp://10.0.0.9:5", SINKS[:2])
    assert spec.given["job.batch_size"] == "--batch-size"
    assert (spec.crawl, spec.announces, spec.has_parent, spec.insecure) == (
        None,
        False,
        False,
        False,
    )


def test_a_ventilator_of_a_crawl_has_its_rules(begun: list[RoleSpec], tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    run("ventilator", "--crawl", urls, "--depth", "3")
    crawl: Any = begun[0].crawl
    assert crawl.depth == 3
    with pytest.raises(UsageError, match=r"^--depth: is for a crawl; add --crawl"):
        run("ventilator", urls, "--depth", "3")


def test_each_start_is_a_session_of_its_own(begun: list[RoleSpec], tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    run("ventilator", urls)
    run("ventilator", urls)
    assert begun[0].session != begun[1].session


def test_a_sink_has_its_directory_and_number(begun: list[RoleSpec], tmp_path: Path) -> None:
    ends = [word for sink in SINKS for word in ("--sink", sink)]
    assert run("sink", "-o", tmp_path / "out", *ends, "--number", "2", "--insecure").code == 7
    (spec,) = begun
    assert (spec.role, spec.out, spec.number, spec.insecure) == (
        "sink",
        str(tmp_path / "out"),
        2,
        True,
    )
    assert tuple(spec.sinks) == (SINKS[1],)


def test_a_sink_that_is_stopped_says_that_rows_are_safe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stopped(_spec: RoleSpec) -> int:
        raise StoppedError("stopped before the end")

    monkeypatch.setattr(main, "run", stopped)
    with pytest.raises(
        StoppedError, match=r"^stopped before the end; what was committed is safe in"
    ):
        run("sink", "-o", tmp_path / "out")


@pytest.mark.parametrize(
    ("option", "setting"), [("--ventilator", "endpoints.ventilator"), ("--sink", "endpoints.sink")]
)
def test_a_worker_without_keys_stays_on_its_host_unless_insecure_is_given(
    monkeypatch: pytest.MonkeyPatch, option: str, setting: str
) -> None:
    ran: list[Settings] = []
    monkeypatch.setattr(roles, "run_workers", lambda given, *_: ran.append(given))
    with pytest.raises(UsageError, match=f"^{setting} = tcp://10.0.0.1:1: beyond loopback"):
        run("worker", option, "tcp://10.0.0.1:1", "-q")
    assert ran == []
    run("worker", option, "tcp://10.0.0.1:1", "-q", "--insecure", "--processes", "3")
    run("worker", option, "tcp://10.0.0.1:1", "-q", "--keys", "k")
    assert [each.worker.processes for each in ran] == [3, 0]


def test_the_log_may_be_json(begun: list[RoleSpec], tmp_path: Path) -> None:
    run("sink", "-o", tmp_path / "out", "--log-format", "json")
    assert begun[0].settings.log.format == "json"
    assert json.dumps(begun[0].session)
