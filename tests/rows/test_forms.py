"""Rows in the form of their job, and what is read of them."""

from __future__ import annotations

import msgspec
import pytest

from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import RowForm
from fetcher.rows.forms import CODECS, body_reader, decoder

DIGEST = "ab12" + "c" * 60
FORMS: list[RowForm] = ["jsonl", "msgpack"]


def row(form: RowForm, name: str | None, size: int | None = 7) -> bytes:
    made = Result(1, "u", Outcome.OK, body_bytes=size)
    if name is not None:
        made = msgspec.structs.replace(made, body_file=name)
    return CODECS[form].encode(made)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        (None, 7, None),
        (f"bodies/ab/12/{DIGEST}.png", 7, (f"bodies/ab/12/{DIGEST}.png", 7)),
        (f"ab/12/{DIGEST}", 7, (f"bodies/ab/12/{DIGEST}", 7)),
        ("damaged", 7, ("damaged", 7)),
        (f"ab/12/{DIGEST}", None, (f"bodies/ab/12/{DIGEST}", 0)),
    ],
)
def test_the_body_of_a_row_is_a_path_and_a_size(
    form: RowForm, name: str | None, size: int | None, expected: tuple[str, int] | None
) -> None:
    assert body_reader(form)(row(form, name, size)) == expected


@pytest.mark.parametrize("form", FORMS)
def test_some_keys_of_a_row_are_decoded(form: RowForm) -> None:
    class Some(msgspec.Struct):
        line: int
        url: str

    assert decoder(form, Some)(row(form, None)) == Some(1, "u")
    with pytest.raises(msgspec.MsgspecError):
        decoder(form, Some)(b"\xc1")
