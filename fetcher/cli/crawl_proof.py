"""The lines that `fetcher verify` prints about a proven crawl."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fetcher.humanize import counted, number

if TYPE_CHECKING:
    from fetcher.verify.crawl import CrawlProof  # loads numpy, which lists do not need


def lines(proof: CrawlProof) -> Iterator[str]:
    """The lines before the verdict."""
    found = number(proof.lines - proof.seeds)
    yield (
        f"log: {counted(proof.seeds, 'seed')} and {found} found on earlier lines; each key once; "
        "depth, scope and budgets judged again"
    )
    if proof.links is None:
        yield "links: not kept, so which page found a line is only known from the log"
    else:
        yield (
            f"links: {number(proof.links)} on {counted(proof.linking, 'page')}; each leads to a "
            "line of the log or says why not, and one of them found each line"
        )
    if proof.no_pages:
        yield f"pages: not compared with their links, because {proof.no_pages}"
    else:
        sample = "" if proof.step == 1 else f" (of one line in {number(proof.step)})"
        pages = counted(proof.pages, "kept page")
        yield f"pages: {pages}{sample} read again; their links are those that were recorded"
