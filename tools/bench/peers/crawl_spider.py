"""Scrapy's CrawlSpider on one site, set to go as fast as it can, as scrapy_spider is.

It follows links within the host of the seed. `--assets` also follows what pages show.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule

from tools.bench.peers.arguments import options, write_count
from tools.bench.peers.scrapy_spider import settings_of

_PAGES: Final = ("a", "area", "iframe", "frame")
_ASSETS: Final = ("link", "img", "script", "source", "video", "audio", "embed")


class _Spider(CrawlSpider):
    name = "crawl"
    good = 0

    def __init__(self, seed: str, *, assets: bool) -> None:
        self.start_urls = [seed]
        self.allowed_domains = [str(urlsplit(seed).hostname)]
        # By default, links to pictures, archives and documents are left out.
        links = LinkExtractor(
            tags=_PAGES + (_ASSETS if assets else ()),
            attrs=("href", "src"),
            deny_extensions=[],
        )
        self.rules = (Rule(links, callback="count", follow=True),)
        super().__init__()

    def parse_start_url(self, response: Response, **_: Any) -> Any:
        return self.count(response)

    def count(self, response: Response) -> Any:
        type(self).good += response.status == 200 and bool(response.body)
        return ()


def main() -> None:
    given = options("crawl_spider")
    process = CrawlerProcess(settings_of(given))
    process.crawl(_Spider, seed=given.urls[0], assets=given.assets)
    process.start()
    write_count(given, _Spider.good)


if __name__ == "__main__":
    main()
