"""What a run prints at its end; next steps themselves: tests/watch/test_next_steps.py."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fetcher.cli import after_run
from fetcher.cli.options import (
    GroupedCommand,
    config_options,
    own_servers_option,
    setting_options,
    settings_of,
)
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome
from fetcher.store.reader import read_part
from fetcher.store.selection import keep
from support import outs


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete job of two lines, of which one timed out, below the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = [outs.row(1), outs.row(2, Outcome.TIMEOUT)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 2), rows)


def retried(out: Path, name: str) -> Path:
    """The OUT of a complete retry of it."""
    merged, wanted = Merged([out], partial=False), parse("timeout", None)
    again = out.parent / name
    again.mkdir()
    chosen = keep(again, wanted_lines(merged, wanted), merged.parts, wanted)
    urls = out.parent / "urls.txt"
    return outs.make_out(again, urls, [outs.row(2, Outcome.TIMEOUT)], selection=chosen)


def shown(out: Path, *arguments: str) -> list[str]:
    """The lines after the run of a command with these arguments."""

    @click.command(cls=GroupedCommand)
    @setting_options("run")
    @config_options
    @own_servers_option
    def command(conf: Path | None, assignments: tuple[str, ...], own_servers: bool) -> None:
        settings = settings_of(conf, assignments, own_servers=own_servers).settings
        after_run.show(read_part(out.relative_to(Path.cwd())), settings, None, 2, None)

    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout.splitlines()


def test_the_summary_comes_first_and_then_the_next_steps(out: Path) -> None:
    lines = shown(out)
    assert lines[0].split() == ["outcome", "lines", "share"]
    blank = lines.index("", lines.index("") + 1)
    assert any(line.startswith("repeats ") for line in lines[:blank])
    assert lines[blank + 1].startswith("1 not ok: ")
    assert len(lines) == blank + 4


def retry_line(out: Path, *arguments: str) -> str:
    (line,) = (line for line in shown(out, *arguments) if " retry " in line)
    return line


def test_options_that_a_retry_needs_are_said_again(out: Path) -> None:
    (out.parent / "my own.toml").write_text("")
    line = retry_line(
        out, "-c", "my own.toml", "--set", "dns.tries=2", "--own-servers", "--workers", "3"
    )
    for words in ("-c 'my own.toml'", "--set dns.tries=2", "--own-servers", "--workers 3"):
        assert words in line
    assert "add your" not in line
    assert "--own-servers True" not in line


def test_values_that_may_be_secrets_are_named_only(out: Path) -> None:
    line = retry_line(
        out, "--header", "X-Key: s3cret", "--set", " monitor.token = s3cret-s3cret-s3cret"
    )
    assert "(add your --header X-Key, --set monitor.token)" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("given", "said"), [((), "-o out2"), (("--timeout", "5"), "-o out2 --timeout 10")]
)
def test_a_retry_has_twice_the_timeout_that_was_given(
    out: Path, given: tuple[str, ...], said: str
) -> None:
    assert retry_line(out, *given).endswith(said)


def test_a_retry_is_merged_with_all_that_it_goes_back_to(out: Path) -> None:
    again = retried(out, "again")
    third = retried(again, "third")
    (whole,) = (line for line in shown(third) if "newest row" in line)
    assert " export out again third -o " in whole


def test_a_retry_whose_parent_is_gone_is_merged_with_nothing(out: Path) -> None:
    again = retried(out, "again")
    shutil.move(out, out.with_name("moved"))
    assert not any("newest row" in line for line in shown(again))


@pytest.mark.parametrize("on_path", [True, False])
def test_the_program_is_called_as_the_shell_finds_it(
    out: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool
) -> None:
    python = out.parent / "bin" / "python"
    python.parent.mkdir()
    python.with_name("fetcher").touch()
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/fetcher" if on_path else None)
    name = "fetcher" if on_path else "bin/fetcher"
    assert f": {name} retry out " in retry_line(out)
