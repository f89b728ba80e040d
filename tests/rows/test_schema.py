"""The schema of a row, and the tables of the documents."""

from __future__ import annotations

import json

import jsonschema
import pytest

from fetcher.error_kinds import KINDS
from fetcher.model import Outcome, Result
from fetcher.rows import jsonl, schema

ROW = json.loads(jsonl.encode(Result(1, "http://a.test/", Outcome.OK, 200, attempts=1)))
CHECK = jsonschema.Draft202012Validator(schema.schema())


def fits(**changes: object) -> bool:
    return CHECK.is_valid({**ROW, **changes})


def test_a_row_fits() -> None:
    assert fits()
    assert fits(status=None, id="x", truncated=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"line": 0},
        {"status": 99},
        {"outcome": "odd"},
        {"sha256": "x"},
        {"truncated": False},
        {"unknown": 1},
        {"attempts": -1},
        {"timings_ms": {}},
        {"depth": -1},
    ],
)
def test_a_value_beyond_its_bounds_does_not_fit(changes: dict[str, object]) -> None:
    assert not fits(**changes)


@pytest.mark.parametrize("key", ["line", "url", "status", "headers"])
def test_a_row_without_a_key_that_is_always_there_does_not_fit(key: str) -> None:
    assert not CHECK.is_valid({name: value for name, value in ROW.items() if name != key})


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_its_own_kinds_of_errors(outcome: Outcome) -> None:
    words = list(KINDS[outcome])
    for word in words:
        assert fits(outcome=outcome.value, error_kind=word)
    foreign = {word for kinds in KINDS.values() for word in kinds} - set(words)
    for word in foreign:
        assert not fits(outcome=outcome.value, error_kind=word)


def test_each_table_has_a_line_for_each_key_outcome_and_kind() -> None:
    keys, outcomes, kinds = schema.markdown().split("\n\n")
    assert keys.splitlines()[:3] == [
        "| key | value | meaning |",
        "| --- | --- | --- |",
        "| `line` | integer | physical line number in the input, from 1 |",
    ]
    assert len(keys.splitlines()) == 2 + len(schema.KEYS)
    assert len(outcomes.splitlines()) == 2 + len(Outcome)
    named = sum(word != "other" for words in KINDS.values() for word in words)
    assert len(kinds.splitlines()) == 2 + named


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"type": "string"}, "text"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"$ref": "#/$defs/Outcome"}, "text"),
        ({"enum": ["a", "b"]}, "`a` or `b`"),
        ({"type": "array", "items": {"type": "string"}}, "list of texts"),
        ({"type": "array", "items": {"prefixItems": []}}, "list of pairs"),
    ],
)
def test_a_type_is_said_for_people(shape: dict[str, object], said: str) -> None:
    assert schema._type(shape) == said
