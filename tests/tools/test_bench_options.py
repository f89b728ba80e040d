"""Options of the benchmarks: what cannot be measured is refused before anything is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench import __main__ as program
from tools.bench import options
from tools.engines import __main__ as engines

NUMBERS = (
    options.positive_int,
    options.int_from_0,
    options.positive_float,
    options.float_from_0,
)


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = (each for each in program.parser()._actions if each.dest == "command")
    assert isinstance(found.choices, dict)
    return found.choices


def number_options(parsers: dict[str, argparse.ArgumentParser]) -> Iterator[tuple[str, str]]:
    """Each command with each of its options that takes a number."""
    for name, command in parsers.items():
        for action in command._actions:
            assert action.type not in (int, float), f"{name} takes any {action.dest}"
            if action.type in NUMBERS:
                yield name, action.option_strings[0]


def refusal(
    parser: argparse.ArgumentParser, words: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    """The line that refuses the options."""
    with pytest.raises(SystemExit) as left:
        parser.parse_args(words)
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    return line


def test_no_command_takes_a_number_that_cannot_be_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parsers = commands()
    found = list(number_options(parsers))
    assert {"--runs", "--scale", "--limit", "--workers"} <= {option for _, option in found}
    for name, option in found:
        for value in ("-1", "nan", "inf", "1e99", "x", ""):
            line = refusal(parsers[name], [f"{option}={value}"], capsys)
            assert line.startswith(f"python -m tools.bench {name}: argument {option}: {value!r} is")


@pytest.mark.parametrize("option", ["--runs", "--scale", "--limit"])
def test_0_is_refused_where_nothing_would_be_measured(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(commands()["guard"], [f"{option}=0"], capsys)
    assert line.startswith(f"python -m tools.bench guard: argument {option}: '0' is not a ")


def test_a_number_in_its_bounds_is_taken() -> None:
    assert options.positive_int("1") == options.positive_float("1") == 1
    assert options.int_from_0("0") == options.float_from_0("0") == 0
    assert options.positive_float("0.001") == 0.001
    assert options.positive_int("1_000") == 1000


def test_an_unknown_case_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parsers = commands()
    for name in ("speed", "guard", "stages", "profile", "crawl"):
        assert "'nonsense' is none of " in refusal(parsers[name], ["nonsense"], capsys)
        assert parsers[name].parse_args([]).limit > 0


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    (tmp_path / "file").touch()
    for command in commands().values():
        if any(action.dest == "dir" for action in command._actions):
            for path in (gone, tmp_path / "file"):
                line = refusal(command, ["--dir", str(path)], capsys)
                assert f"argument --dir: {path} is not a folder; make it first" in line


def test_measurements_of_engines_take_no_such_numbers_either(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for option in ("--runs", "--lines", "--workers"):
        for value in ("0", "-1", "x"):
            with pytest.raises(SystemExit) as left:
                engines.main(["ray", f"{option}={value}"])
            assert left.value.code == 2
            last = capsys.readouterr().err.splitlines()[-1]
            assert f"argument {option}: {value!r} is not a whole number from 1" in last
