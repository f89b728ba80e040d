"""Two sets of lines are compared by the sums of their fingerprints."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.input.lines import fingerprint
from fetcher.verify.balance import is_balanced

LINES = st.lists(st.tuples(st.integers(1, 100), st.text(max_size=5)), max_size=30)


def total(lines: list[tuple[int, str]]) -> int:
    return sum(fingerprint(line, text) for line, text in lines)


@given(LINES, st.randoms())
def test_the_same_lines_in_another_order_are_balanced(
    lines: list[tuple[int, str]], dice: object
) -> None:
    other = list(lines)
    dice.shuffle(other)  # type: ignore[attr-defined]
    assert is_balanced(total(lines) - total(other))


@given(LINES, LINES)
def test_different_lines_are_not(
    some: list[tuple[int, str]], others: list[tuple[int, str]]
) -> None:
    assert is_balanced(total(some) - total(others)) == (sorted(some) == sorted(others))


def test_a_sum_is_compared_in_64_bits() -> None:
    assert is_balanced(0) and is_balanced(1 << 64) and is_balanced(-3 << 64)
    assert not is_balanced(1) and not is_balanced(1 << 63)
