"""Messages for programs name arguments, and not options of the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fetcher.api import fetch, retry
from fetcher.api.keywords import in_python
from fetcher.errors import InputError, UsageError
from fetcher.fetch.address_guard import Guard
from fetcher.model import Outcome, Result
from fetcher.protocol.totals import Totals
from fetcher.roles.sink.blocked_first import BlockedFirst
from support import outs
from support.chunks import chunk_of_rows
from support.programs import ONE


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("name it with --urls", "name it with urls"),
        ("a: is not there; choose another -o", "a: is not there; choose another out"),
        ("-o a: is the directory", "out a: is the directory"),
        ("--outcome: there is no such", "outcomes: there is no such"),
        ("resume it with `fetcher retry a --outcome ok -o b`", None),
        ("a file called x-o, --urls-of and --outcomes", None),
    ],
)
def test_options_become_arguments_except_in_commands(message: str, said: str | None) -> None:
    assert in_python(message) == (said or message)


def test_the_hint_about_blocked_rows_names_what_a_program_can_give() -> None:
    first = BlockedFirst("jsonl", Totals(), "out", is_crawl=False)
    refusal = Guard(()).refusal("127.0.0.1")
    first.note(chunk_of_rows([Result(1, "http://a/", Outcome.BLOCKED, error=refusal)]))
    said = in_python(first.hint(1, is_all=True))
    assert 'allow them with guard={"allow": ["127.0.0.0/8"]}' in said
    assert "--" not in re.sub(r"`[^`]*`", "", said)  # a command keeps its options


def test_errors_of_the_api_name_arguments(tmp_path: Path) -> None:
    csv = tmp_path / "urls.csv"
    csv.write_text("link\nhttp://a/\n")
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 1), [outs.row(1)])
    (tmp_path / "urls.txt").unlink()
    with pytest.raises(InputError, match=re.escape('holds the URL with input={"url_column": …}')):
        list(fetch(csv, settings=ONE))
    with pytest.raises(InputError, match=r"name it with urls$"):
        list(retry(out, settings=ONE))
    with pytest.raises(UsageError, match=r"^out .*: is the directory to retry"):
        list(retry(out, out=out, settings=ONE))
    with pytest.raises(UsageError, match=r"^statuses 7: write a status"):
        retry(out, statuses=7)
