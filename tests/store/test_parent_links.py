"""The kind of a link that the earlier crawl has recorded, as far as its log says it."""

from __future__ import annotations

import pytest

from fetcher.frontier.links import Via
from fetcher.input.log_lines import LogLine
from fetcher.store.parent_links import kind_of

FINDER = 3


@pytest.mark.parametrize("via", list(Via))
def test_for_the_page_that_found_a_line_the_line_says_the_kind(via: Via) -> None:
    entry = LogLine("http://a/", found_on=FINDER, via=via)
    assert kind_of(entry, FINDER, is_sitemap=False) == via
    assert kind_of(entry, FINDER, is_sitemap=True) == via


@pytest.mark.parametrize(
    ("via", "of_page", "of_sitemap"),
    [
        (Via.A, Via.A, Via.LISTED),
        (Via.IMAGE, Via.IMAGE, Via.LISTED),
        (Via.HANDLER, Via.HANDLER, Via.LISTED),
        (Via.SEED, Via.A, Via.LISTED),
        (Via.REDIRECT, Via.A, Via.LISTED),
        (Via.LISTED, Via.A, Via.LISTED),
        (Via.SITEMAP, Via.A, Via.SITEMAP),
    ],
)
def test_for_other_pages_a_kind_is_taken_that_is_judged_alike(
    via: Via, of_page: Via, of_sitemap: Via
) -> None:
    entry = LogLine("http://a/", found_on=FINDER + 1, via=via)
    assert kind_of(entry, FINDER, is_sitemap=False) == of_page
    assert kind_of(entry, FINDER, is_sitemap=True) == of_sitemap
