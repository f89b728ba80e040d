"""The rules of a crawl come from its settings."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.rules_of_settings import rules_of
from fetcher.settings.schema import Crawl, Polite, Settings


def test_the_defaults_of_settings_and_rules_agree() -> None:
    obeying = replace(Settings(), polite=Polite(robots=True))
    assert rules_of(obeying) == CrawlRules()


def test_each_setting_of_a_crawl_is_a_rule() -> None:
    names = {field.name for field in msgspec.structs.fields(CrawlRules)}
    assert names == {*Settings().crawl.__struct_fields__, "robots"}
    given = replace(Settings(), crawl=Crawl(depth=3, deny=("x",)), polite=Polite(robots=False))
    assert rules_of(given) == CrawlRules(depth=3, deny=("x",), robots=False)
