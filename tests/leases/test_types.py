"""The numbers of leases, and the parts of batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.leases.types import BatchPart, OpenBatch, first_lease, session_of
from fetcher.model import Batch

_NUMBERS = st.integers(0, (1 << 31) - 1)


@given(_NUMBERS, st.integers(0, (1 << 32) - 1))
def test_a_lease_names_the_ventilator_that_issued_it(number: int, issued: int) -> None:
    assert session_of(first_lease(number) + issued) == number


@given(_NUMBERS)
def test_a_lease_fits_into_a_signed_integer_of_64_bits(number: int) -> None:
    assert first_lease(number) + (1 << 32) - 1 < 1 << 63


@pytest.mark.parametrize(
    ("mask", "deaths", "is_isolated"),
    [(0b100, 1, True), (0b100, 0, False), (0b110, 1, False), (0b110, 3, False), (1, 5, True)],
)
def test_a_single_line_that_a_worker_had_when_it_died_is_isolated(
    mask: int, deaths: int, is_isolated: bool
) -> None:
    assert BatchPart(0, mask, deaths=deaths).is_isolated is is_isolated


def test_a_lost_row_does_not_isolate_its_line() -> None:
    assert not BatchPart(0, 1, losses=2).is_isolated


def test_an_open_batch_costs_its_text_and_something_more() -> None:
    empty = OpenBatch(Batch(0, 1, 1, b""), 1, set(), 1).cost_bytes
    assert empty > 0
    assert OpenBatch(Batch(0, 1, 1, b"u" * 100), 1, set(), 1).cost_bytes == empty + 100
