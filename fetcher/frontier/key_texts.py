"""The key text of a request: links with one key text are one line of the crawl.

It is the URL in the standard's form (fetcher.web_urls) without its fragment. Rules may sort its
parameters and drop some. No numpy here: workers make key texts, and nothing else that needs it.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import xxhash

from fetcher import web_urls
from fetcher.frontier.rules import CrawlRules

ALL_TRACKING: Final = "@tracking"
# Parameters that say where a visitor came from, never which page it is: the ad systems' own
# documents (Google Analytics and Ads, Meta, Microsoft, TikTok, X, LinkedIn, Yandex, Mailchimp,
# HubSpot, Marketo, Matomo, Adobe), and what Firefox removes by its list query-stripping.
TRACKING: Final = (
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "gad_campaignid",
    "srsltid",
    "_ga",
    "_gl",
    "fbclid",
    "igshid",
    "igsh",
    "msclkid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "yclid",
    "ysclid",
    "_openstat",
    "mc_cid",
    "mc_eid",
    "_hsenc",
    "_hsmi",
    "__hstc",
    "__hsfp",
    "__hssc",
    "hsctatracking",
    "mkt_tok",
    "pk_campaign",
    "pk_kwd",
    "mtm_*",
    "s_cid",
    "oly_anon_id",
    "oly_enc_id",
    "vero_id",
    "wickedid",
    "rb_clickid",
    "__s",
    "irclickid",
    "epik",
    "scid",
)


class KeyTexts:
    """Makes key texts by the rules of a crawl."""

    def __init__(self, rules: CrawlRules) -> None:
        self._sort = rules.sort_query
        self._dropped = _pattern(rules.drop_params)
        self._is_plain = not (self._sort or self._dropped)

    def of(self, url: str, method: str = "GET", body: bytes | None = None) -> str | None:
        """The key text of a request for this text; None if it is not an http(s) URL."""
        bare = url.partition("#")[0]
        if not web_urls.is_plain(bare):
            # The library strips spaces at the end of a URL, but not before a #: it must see both.
            normal = web_urls.parsed(url)
            if normal is None or web_urls.written(normal) is None:
                return None
            bare = normal.partition("#")[0]
        if not self._is_plain:
            bare = self._reduced(bare)
        return bare if method == "GET" and body is None else _request_text(bare, method, body)

    @property
    def are_urls(self) -> bool:
        """Whether each URL in the standard's form, without a fragment, is its own key text."""
        return self._is_plain

    def of_normal(self, url: str) -> str:
        """The key text of an http(s) URL that is in the standard's form already."""
        bare = url.partition("#")[0]
        return bare if self._is_plain else self._reduced(bare)

    def _reduced(self, url: str) -> str:
        path, mark, query = url.partition("?")
        if not mark:
            return url
        pairs = query.split("&")
        if self._dropped is not None:
            pairs = [pair for pair in pairs if not self._dropped.fullmatch(_name(pair))]
        if self._sort:
            pairs.sort(key=_name)
        return f"{path}?{'&'.join(pairs)}" if pairs else path


def _name(pair: str) -> str:
    name = pair.partition("=")[0]
    return unquote(name) if "%" in name else name


def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    wanted = [one for name in names for one in (TRACKING if name == ALL_TRACKING else (name,))]
    if not wanted:
        return None
    parts = [
        re.escape(name[:-1]) + ".*" if name.endswith("*") else re.escape(name) for name in wanted
    ]
    return re.compile("|".join(parts), re.IGNORECASE | re.DOTALL)


def _request_text(url: str, method: str, body: bytes | None) -> str:
    """A space cannot occur in a URL, so that no URL has this text."""
    digest = xxhash.xxh3_128_hexdigest(body) if body is not None else ""
    return f"{method} {url} {digest}"
