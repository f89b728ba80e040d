"""Each file of an export has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.export.taken_names import TakenNames


@pytest.fixture
def names() -> Iterator[TakenNames]:
    made = TakenNames()
    yield made
    made.close()


def taken(names: TakenNames, wanted: Sequence[str], *endings: str) -> list[str]:
    """The name that each gets: `name`, `name-2`, `name-3` and so on."""

    def free(name: str) -> str:
        written = lambda n: name if n == 1 else f"{name}-{n}"  # noqa: E731
        return names.free(written, endings or ("",))

    return [free(name) for name in wanted]


def test_equal_names_are_numbered_also_on_systems_that_ignore_case(names: TakenNames) -> None:
    wanted = ["a", "A", "a-2", "a", "b", "a"]
    made = taken(names, wanted)
    assert made == ["a", "A-2", "a-2-2", "a-3", "b", "a-4"]
    assert len({name.casefold() for name in made}) == len(wanted)


def test_the_file_of_the_row_has_its_name_too(names: TakenNames) -> None:
    made = taken(names, ["a.json", "a", "a", "b", "b.json"], "", ".json")
    assert made == ["a.json", "a-2", "a-3", "b", "b.json-2"]


def test_equal_names_take_one_step_each(names: TakenNames) -> None:
    asked: list[int] = []

    def written(number: int) -> str:
        asked.append(number)
        return f"same-{number}"

    made = [names.free(written) for _ in range(500)]
    assert made[-1] == "same-500" and len(set(made)) == 500
    assert len(asked) < 3 * 500, "a million equal names would take 10^12 steps"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-2-2", "\u00e9", "e\u0301", "ß", "SS"])))
def test_no_two_names_are_one_when_case_is_ignored(wanted: list[str]) -> None:
    names = TakenNames()
    made = taken(names, wanted)
    names.close()
    assert len({name.casefold() for name in made}) == len(wanted)
