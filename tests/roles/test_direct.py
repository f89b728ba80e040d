"""Answers of the child that fetches without a job."""

from __future__ import annotations

import io
import subprocess
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError, Exit, LoginLostError
from fetcher.model import Outcome
from fetcher.roles import direct
from fetcher.roles.direct import Answer, Order, Refusal, encode
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings

NULL = msgspec.convert({"worker": {"transport": "null"}}, Settings)


def replies(*messages: Answer | Refusal, cut_bytes: int = 0) -> list[Answer]:
    """What is read of these replies, the last of which lacks some bytes."""
    framed = [len(data).to_bytes(direct.LENGTH_BYTES) + data for data in map(encode, messages)]
    data = b"".join(framed)
    child = SimpleNamespace(stdout=io.BytesIO(data[: len(data) - cut_bytes]))
    return list(direct._replies(cast("subprocess.Popen[bytes]", child)))


ONE, OTHER = Answer(b"{}\n"), Answer(b'{"a":1}\n', b"body")


def test_replies_are_read_whole() -> None:
    assert replies() == []
    assert replies(ONE, OTHER) == [ONE, OTHER]


@pytest.mark.parametrize("cut_bytes", [1, 5, len(encode(OTHER)), len(encode(OTHER)) + 3])
def test_a_reply_that_was_cut_is_none(cut_bytes: int) -> None:
    assert replies(ONE, OTHER, cut_bytes=cut_bytes) == [ONE]


def test_a_refusal_is_an_error_that_says_why() -> None:
    with pytest.raises(ConfigError, match="no module"):
        replies(Refusal("no module"))
    with pytest.raises(LoginLostError, match="wrong password"):
        replies(Refusal("wrong password", Exit.STOPPED))


@pytest.mark.parametrize(("code", "how"), [(-9, "signal 9"), (1, "exit code 1")])
def test_a_url_whose_process_died_has_a_row_that_says_how(code: int, how: str) -> None:
    order = Order(NULL, ["http://a.test/"], 7)
    row = jsonl.decode(direct._crashed(order, code).row)
    assert (row.line, row.url, row.outcome) == (7, "http://a.test/", Outcome.CRASHED)
    assert row.error == f"the process that fetched it ended ({how})"
    assert row.error_kind == ErrorKind.CRASHED_DIED.word


def test_each_url_has_its_answer_in_order() -> None:
    urls = [f"http://a.test/{n}" for n in range(100)]
    rows = [jsonl.decode(each.row) for each in direct.answers(Order(NULL, urls, 5))]
    assert [(row.line, row.url) for row in rows] == list(enumerate(urls, 5))
