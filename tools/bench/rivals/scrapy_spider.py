"""Scrapy, set to go as fast as it can: no robots.txt, retries or delays; asyncio with uvloop."""

from collections.abc import AsyncIterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from tools.bench.rivals.lists import TIMEOUT_S, options, tell


class _Spider(scrapy.Spider):
    name = "rival"
    urls: list[str]
    good = 0

    async def start(self) -> AsyncIterator[Any]:
        for url in self.urls:
            yield scrapy.Request(url, callback=self.count, dont_filter=True)

    async def count(self, response: Response) -> None:
        type(self).good += response.status == 200 and bool(response.body)


def main() -> None:
    given = options("scrapy_spider")
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": given.pool,
            "CONCURRENT_REQUESTS_PER_DOMAIN": given.pool,
            "DOWNLOAD_DELAY": 0,
            "DOWNLOAD_TIMEOUT": TIMEOUT_S,
            "RETRY_ENABLED": False,
            "ROBOTSTXT_OBEY": False,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_ENABLED": False,
            "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
        }
    )
    process.crawl(_Spider, urls=given.urls)
    process.start()
    tell(given, _Spider.good)


if __name__ == "__main__":
    main()
