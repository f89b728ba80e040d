"""What became of the links of one row."""

from __future__ import annotations

import pytest

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks, totals_of
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import Link, Via
from fetcher.frontier.totals import Refusal


@pytest.mark.parametrize(
    ("line", "via", "place"),
    [
        (7, Via.A, (4, 0)),
        (7, Via.REDIRECT, (3, 3)),
        (7, Via.IMAGE, (3, 3)),
        (0, Via.SEED, (3, 0)),
    ],
)
def test_a_line_has_its_place_by_its_finder_and_its_kind(
    line: int, via: Via, place: tuple[int, int]
) -> None:
    assert RowLinks(line, 3, (), 2).place_of(via) == place


def test_new_lines_follow_each_other_with_a_record_each() -> None:
    row = RowLinks(7, 3, ())
    new = LinkTable.of([Link("http://a.test/1"), Link("http://a.test/2", Via.REDIRECT)])
    records = b"".join(bytes([number]) * RECORD_BYTES for number in (1, 2))
    first, second = Admitted(row, 2, [10, 11], b"", 2, 10, new, records, [False, True]).lines
    assert (first.line, first.link, first.depth, first.hops) == (10, new[0], 4, 0)
    assert (second.line, second.link, second.depth, second.hops) == (11, new[1], 3, 1)
    assert (first.is_foreign, second.is_foreign) == (False, True)
    assert (first.found_on, first.record, second.record) == (
        *(7, b"\x01" * RECORD_BYTES),
        b"\x02" * RECORD_BYTES,
    )


def test_links_lines_and_refusals_are_counted() -> None:
    scope, depth = ((reason, "http://b.test/", "a") for reason in (Refusal.SCOPE, Refusal.DEPTH))
    new = LinkTable.of([Link("http://a.test/1"), Link("http://a.test/2", Via.REDIRECT)])
    records = bytes(2 * RECORD_BYTES)
    edges: list[Edge] = [10, 11, 2, scope, scope, depth]
    found = Admitted(RowLinks(7, 3, ()), len(edges), edges, b"", 5, 10, new, records, [False, True])
    known = Admitted(
        RowLinks(8, 3, (), left_out={Refusal.NOFOLLOW: 4, Refusal.DEPTH: 1}), 2, [2, 2]
    )
    totals = totals_of([found, known])
    assert totals.links == 6 + 2 + 5
    assert totals.lines == {3: 1, 4: 1}
    assert totals.refused == {"scope": 2, "depth": 2, "nofollow": 4}
