"""`--fail-on`: which rows make a complete job fail."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fetcher.cli.fail_on import fail_on_option, require_none
from fetcher.errors import Exit, FailedRowsError, UsageError
from fetcher.model import Outcome
from fetcher.protocol.totals import Totals

TOTALS = Totals(1234, {"timeout": 2, "dns": 1, "ok": 1231})


@pytest.mark.parametrize(
    ("unwanted", "said"),
    [
        ({Outcome.DNS}, "1 of 1,234 rows has an outcome that --fail-on names: dns 1"),
        (
            {Outcome.TIMEOUT, Outcome.DNS, Outcome.TLS},
            "3 of 1,234 rows have an outcome that --fail-on names: dns 1, timeout 2",
        ),
    ],
)
def test_rows_with_an_unwanted_outcome_are_counted(unwanted: set[Outcome], said: str) -> None:
    with pytest.raises(FailedRowsError) as caught:
        require_none(TOTALS, frozenset(unwanted))
    assert str(caught.value) == said
    assert caught.value.exit_code == Exit.FAILED_ROWS


def test_a_single_row_is_one_row() -> None:
    with pytest.raises(FailedRowsError, match=r"^1 of 1 row has an outcome"):
        require_none(Totals(1, {"dns": 1}), frozenset({Outcome.DNS}))


@pytest.mark.parametrize("unwanted", [set(), {Outcome.TLS}, {Outcome.CRASHED, Outcome.ROBOTS}])
def test_without_such_rows_nothing_fails(unwanted: set[Outcome]) -> None:
    require_none(TOTALS, frozenset(unwanted))


def parsed(*arguments: str) -> frozenset[Outcome]:
    found: list[frozenset[Outcome]] = []

    @click.command
    @fail_on_option
    def command(unwanted: frozenset[Outcome]) -> None:
        found.append(unwanted)

    result = CliRunner().invoke(command, arguments)
    if result.exception:
        raise result.exception
    return found[0]


def test_the_option_takes_names_and_the_word_failed() -> None:
    assert parsed() == frozenset()
    assert parsed("--fail-on", "timeout,dns") == {Outcome.TIMEOUT, Outcome.DNS}
    assert parsed("--fail-on", "failed") == set(Outcome) - {Outcome.OK}
    with pytest.raises(UsageError, match=r"^--fail-on nonsense: there is no such outcome"):
        parsed("--fail-on", "nonsense")
