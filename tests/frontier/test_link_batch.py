"""Links that no budget holds back become lines as they would one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.admitted import Edge, RowLinks
from fetcher.frontier.judge import Verdict
from fetcher.frontier.link_batch import LinkBatch, admitted_without_budgets, answers_to, chosen
from fetcher.frontier.links import Link
from fetcher.frontier.totals import Refusal

_KNOWN = 3  # a line
_FIRST = 10  # the first new line
# Of each link its key, and what is known of it: a line, the number of a host, or a refusal.
_Kind = tuple[int, Verdict | None]
_KINDS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([None, 77, 88, Refusal.SCOPE, Refusal.DENY]))
)


def _batch(kinds: list[_Kind]) -> LinkBatch:
    links = [Link(f"http://h/{at}") for at in range(len(kinds))]
    keys = [
        bytes([key] if verdict is not None else [9, at]) for at, (key, verdict) in enumerate(kinds)
    ]
    asked = [at for at, (_, verdict) in enumerate(kinds) if verdict is not None]
    edges: list[Edge] = [_KNOWN if verdict is None else 0 for _, verdict in kinds]
    verdicts = [verdict for _, verdict in kinds if verdict is not None]
    return LinkBatch(links, keys, edges, asked, verdicts, first_line=_FIRST)


def _one_after_the_other(batch: LinkBatch) -> tuple[list[Edge], dict[bytes, int]]:
    """The edges, and the new lines by their keys."""
    edges, lines = list(batch.edges), dict[bytes, int]()
    for at, verdict in zip(batch.asked, batch.verdicts, strict=True):
        key, link = batch.keys[at], batch.links[at]
        if isinstance(verdict, int):
            edges[at] = lines.setdefault(key, _FIRST + len(lines))
        else:
            edges[at] = lines.get(key) or (verdict, link.url, link.via)
    return edges, lines


@given(_KINDS)
def test_they_are_decided_as_one_after_the_other(kinds: list[_Kind]) -> None:
    batch = _batch(kinds)
    edges, lines = _one_after_the_other(batch)
    all_may_be = all(isinstance(verdict, int) for verdict in batch.verdicts)
    taken, found = admitted_without_budgets(batch, all_may_be=all_may_be)
    assert (batch.edges, found, list(found)) == (edges, lines, list(lines))
    assert [batch.keys[batch.asked[index]] for index in taken] == list(lines)


def test_each_row_is_answered_with_its_own_links() -> None:
    batch = _batch([(0, 77), (1, None), (2, Refusal.SCOPE), (3, 77)])
    taken, _ = admitted_without_budgets(batch, all_may_be=False)
    batch.new = chosen(batch.asked, taken)
    batch.foreign = [False, True]
    first, second = answers_to([RowLinks(1, 0, ()), RowLinks(2, 0, ())], [0, 3, 4], batch)
    refused = (Refusal.SCOPE, "http://h/2", "a")
    assert (first.edges, [link.url for link in first.new]) == (
        [_FIRST, _KNOWN, refused],
        ["http://h/0"],
    )
    assert (second.first_line, second.edges, second.foreign) == (_FIRST + 1, [_FIRST + 1], [True])
