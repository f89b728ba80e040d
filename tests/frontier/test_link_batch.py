"""Links that no budget holds back become lines as they would one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.admitted import Edge
from fetcher.frontier.judge import Verdict
from fetcher.frontier.link_batch import LinkBatch, admitted_without_budgets
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import Link
from fetcher.frontier.totals import Refusal

_FIRST = 10  # the first new line
# Of each link its key, and what is known of it: the number of a host, or a refusal.
_Kind = tuple[int, Verdict]
_KINDS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([77, 88, Refusal.SCOPE, Refusal.DENY]))
)


def _batch(kinds: list[_Kind]) -> LinkBatch:
    links = LinkTable.of([Link(f"http://h/{at}") for at in range(len(kinds))])
    keys = [bytes([key]) for key, _ in kinds]
    return LinkBatch(links, keys, [verdict for _, verdict in kinds], first_line=_FIRST)


def _one_after_the_other(batch: LinkBatch) -> tuple[list[Edge], dict[bytes, int]]:
    """The edges, and the new lines by their keys."""
    edges: list[Edge] = []
    lines: dict[bytes, int] = {}
    for key, link, verdict in zip(batch.keys, batch.links, batch.verdicts, strict=True):
        if isinstance(verdict, int):
            edges.append(lines.setdefault(key, _FIRST + len(lines)))
        else:
            edges.append(lines.get(key) or (verdict, link.url, link.via))
    return edges, lines


@given(_KINDS)
def test_they_are_decided_as_one_after_the_other(kinds: list[_Kind]) -> None:
    batch = _batch(kinds)
    edges, lines = _one_after_the_other(batch)
    all_may_be = all(isinstance(verdict, int) for verdict in batch.verdicts)
    taken, found = admitted_without_budgets(batch, all_may_be=all_may_be)
    assert (batch.edges, found, list(found)) == (edges, lines, list(lines))
    assert [batch.keys[index] for index in taken] == list(lines)
