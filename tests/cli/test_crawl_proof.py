"""What `verify` says of a proven crawl."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher.cli.crawl_proof import lines
from fetcher.verify.crawl import CrawlProof

PROOF = CrawlProof(lines=1001, seeds=1, links=1234, linking=1, pages=1, step=1, no_pages="")


def test_one_is_not_said_in_the_plural() -> None:
    assert list(lines(PROOF)) == [
        "log: 1 seed and 1,000 found on earlier lines; each key once; depth, scope and budgets "
        "judged again",
        "links: 1,234 on 1 page; each leads to a line of the log or says why not, and one of them "
        "found each line",
        "pages: 1 kept page read again; their links are those that were recorded",
    ]


@pytest.mark.parametrize(
    ("changed", "at", "said"),
    [
        ({"seeds": 2}, 0, "log: 2 seeds and 999 found on earlier lines;"),
        ({"links": None}, 1, "links: not kept, so which page found a line is only known from"),
        ({"pages": 20, "step": 1500}, 2, "pages: 20 kept pages (of one line in 1,500) read again;"),
        ({"no_pages": "bodies are not kept"}, 2, "pages: not compared with their links, because "),
    ],
)
def test_each_line_says_what_was_looked_at(changed: dict[str, object], at: int, said: str) -> None:
    assert list(lines(replace(PROOF, **changed)))[at].startswith(said)
