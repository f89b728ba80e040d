"""What a handler returned becomes plain JSON, or is refused with its place."""

from __future__ import annotations

import collections
import enum
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.model import Outcome, Result
from fetcher.rows.forms import CODECS
from fetcher.rows.json_values import json_object


class Text(str):
    """As lxml's are."""


class Level(enum.IntEnum):
    LOW = 1


def test_plain_values_are_copied() -> None:
    given = {"a": [1, 2.5, None, True, {"b": "c"}], "": ()}
    found = json_object(given)
    assert found == {"a": [1, 2.5, None, True, {"b": "c"}], "": []}
    assert found["a"] is not given["a"]


def test_kinds_that_are_made_of_plain_ones_become_these() -> None:
    given = collections.OrderedDict({Text("a"): Text("b"), "c": Level.LOW, "d": Outcome.OK})
    found = json_object(given)
    assert found == {"a": "b", "c": 1, "d": "ok"}
    assert {type(found)} | {type(x) for x in (*found, *found.values())} == {dict, str, int}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": {"b": [0, b"x"]}}, "a.b[1]: bytes is not a JSON value"),
        ({"a": object()}, "a: object is"),
        ({"a": {1, 2}}, "a: set is"),
        ({"a": math.inf}, "a: inf is not a JSON number"),
        ({"a": [math.nan]}, "a[0]: nan"),
        ({"a": 1 << 64}, "a: the number has more than 64 bits"),
        ({"a": -(1 << 63) - 1}, "a: the number"),
        ({1: "a"}, "its keys: 1 is not a text"),
        ({"a": {None: 1}}, "a: None is not a text"),
    ],
)
def test_a_value_that_json_cannot_express_is_refused_with_its_place(
    value: dict[Any, Any], said: str
) -> None:
    with pytest.raises(ValueError) as caught:
        json_object(value)
    assert str(caught.value).startswith(said)


def test_what_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="levels deep"):
        json_object({"a": endless})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_whatever_is_taken_comes_back_from_a_row_of_any_form(value: dict[str, Any]) -> None:
    row = Result(1, "u", Outcome.OK, extra=json_object(value))
    for codec in CODECS.values():
        encoded = codec.encode(row)
        assert codec.decode(encoded) == row
        assert codec.encode(codec.decode(encoded)) == encoded, "as verify looks at it"
