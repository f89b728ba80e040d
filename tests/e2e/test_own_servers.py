"""A first list of pages on this machine: the hint, and the effect of `--own-servers`."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from fetcher.cli.options import settings_of
from fetcher.model import Outcome
from fetcher.settings import docs, load, presets
from support import jobs
from support.hosts import Hosts
from tools.site.running import RunningSite

CLEAN = {name: text for name, text in jobs.ENV.items() if not name.startswith("FETCHER_")}
HINT = "rows so far are blocked, as private and loopback addresses are refused by default"


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The program as a newcomer has it: without a variable that sets anything."""
    return subprocess.run(
        jobs.command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        cwd=jobs.ROOT,
        env=CLEAN,
        timeout=120,
    )


def test_blocked_loopback_is_reported_once_for_any_number_of_lines(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [f"http://localhost:1/{n}" for n in range(45)])
    done = call("run", urls, "-o", tmp_path / "out", "--workers=2", "--batch-size=10")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(HINT) == 1, done.stderr


def test_the_option_of_the_hint_opens_what_was_blocked_in_a_retry_and_in_a_run(
    site: RunningSite, tmp_path: Path
) -> None:
    pages = [site.url(f"/bytes/10?{n}") for n in range(3)]
    urls = jobs.write_urls(tmp_path / "urls.txt", pages)
    done = call("run", urls, "-o", tmp_path / "out", "--workers=1")
    assert done.returncode == 0
    assert f"all 3 {HINT}" in done.stderr and "--own-servers" in done.stderr
    assert {row.outcome for row in jobs.rows(tmp_path / "out")} == {Outcome.BLOCKED}
    opened = call("run", urls, "-o", tmp_path / "out2", "--own-servers", "--workers=1")
    assert (opened.returncode, opened.stderr) == (0, "")
    assert {row.outcome for row in jobs.rows(tmp_path / "out2")} == {Outcome.OK}
    again = call(
        *("retry", tmp_path / "out", "-o", tmp_path / "out3", "--outcome=blocked"),
        *("--own-servers", "--workers=1"),
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert {row.outcome for row in jobs.rows(tmp_path / "out3")} == {Outcome.OK}


def test_other_blocked_addresses_give_no_hint(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://169.254.169.254/latest/"] * 3)
    done = call("run", urls, "-o", tmp_path / "out", "--workers=1")
    assert (done.returncode, done.stderr) == (0, "")


def test_workers_on_other_hosts_have_the_option_and_the_sink_gives_the_hint(
    site: RunningSite, tmp_path: Path
) -> None:
    hosts = Hosts(tmp_path, 1)
    jobs.write_urls(hosts.urls, [site.url(f"/bytes/10?{n}") for n in range(3)])
    closed = [each for each in hosts.worker if "transport" not in str(each)]
    with (
        jobs.forked(*hosts.ventilator),
        jobs.forked(*closed, "--set=guard.allow=[]"),
        jobs.forked(*hosts.sink) as sink,
    ):
        code, _, error = sink.wait()
    assert code == 0 and error.count(HINT) == 1, error
    hosts.outs = [tmp_path / "out-2"]
    again = hosts.at()
    with (
        jobs.forked(*again.ventilator),
        jobs.forked(*closed, "--own-servers"),
        jobs.forked(*again.sink, "-q") as sink,
    ):
        code, _, error = sink.wait()
    assert (code, error) == (0, "")
    assert {row.outcome for row in jobs.rows(hosts.out)} == {Outcome.OK}


# -- the settings of the option --------------------------------------------------------------


def test_the_option_and_the_file_set_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FETCHER_")]:
        monkeypatch.delenv(name)
    path = jobs.ROOT / "conf" / "own-servers.toml"
    text = path.read_text("utf-8")
    assert text == docs.own_servers(), "write it again: make conf"
    found = tomllib.loads(text)
    flat = {f"{section}.{key}": value for section in found for key, value in found[section].items()}
    assert flat == presets.OWN_SERVERS
    by_option = settings_of(None, (), own_servers=True)
    assert by_option.settings == load.load(path).settings
    assert set(by_option.origins.values()) == {"--own-servers"}


def test_other_options_of_the_command_line_come_after_it(tmp_path: Path) -> None:
    conf = tmp_path / "my.toml"
    conf.write_text("[polite]\nenabled = true\ndelay_s = 3\n")
    given = ("polite.enabled=true", "guard.allow=10.0.0.0/8")
    settings = settings_of(conf, given, own_servers=True).settings
    assert settings.polite.enabled and settings.polite.delay_s == 3
    assert (settings.guard.allow, settings.retry.attempts) == (("10.0.0.0/8",), 1)
    assert not settings_of(conf, (), own_servers=True).settings.polite.enabled


@pytest.mark.parametrize(
    ("given", "is_polite"),
    [
        (("polite.robots=true",), True),
        (("polite.per_host=2", "polite.delay_s=1"), True),
        (("polite.per_host=2", "polite.enabled=false"), False),
        (("polite.robots=false",), False),
        (("http.total_timeout_s=1",), False),
    ],
)
def test_a_given_pace_turns_politeness_on(given: tuple[str, ...], is_polite: bool) -> None:
    polite = settings_of(None, given, own_servers=True).settings.polite
    assert polite.enabled == is_polite
    assert not is_polite or polite.delay_s == ("polite.delay_s=1" in given)
