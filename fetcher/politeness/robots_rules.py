"""Reads the rules of a robots.txt that apply to us (RFC 9309).

Pure, and cheap whatever the text. Protego copies the rules of a group for each user agent that the
group names, so 50 KB of names and rules could become 300 MB. Therefore it gets a text with only two
user agents: ours and all others.
"""

from __future__ import annotations

import re
from typing import Final

from protego import Protego

MAX_BYTES: Final = 512 * 1024  # the most that is read; RFC 9309 demands 500 KiB

# As tolerant as Protego: the hyphen may be missing or a space, the colon may be missing.
_AGENT_LINE: Final = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:|\s)([^#]*)", re.IGNORECASE)
_ALL: Final = "*"
_OTHERS: Final = "\x7f"  # a name that no user agent has


class RobotsTxt:
    """The rules of one robots.txt for one user agent."""

    def __init__(self, body: bytes, agent: str) -> None:
        """`agent`: the product's name, see `product_of`."""
        self._agent = agent
        text = body[:MAX_BYTES].decode("utf-8-sig", "replace")
        self._rules = Protego.parse(_with_two_agents(text, agent.lower()))

    def allows(self, url: str) -> bool:
        """Whether the URL may be requested."""
        return self._rules.can_fetch(url, self._agent)

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The texts of the Sitemap lines, which should be URLs; MAX_BYTES bounds them."""
        return tuple(self._rules.sitemaps)

    @property
    def delay_s(self) -> float:
        """The Crawl-delay; 0 where there is none."""
        return float(self._rules.crawl_delay(self._agent) or 0.0)


def product_of(user_agent: str) -> str:
    """The product's name in a User-Agent: groups of a robots.txt are chosen by it."""
    return user_agent.split("/", maxsplit=1)[0].split(" ", maxsplit=1)[0] or _ALL


def _with_two_agents(text: str, agent: str) -> str:
    """The text with only two user agents: the one whose rules we obey, and one for all others."""
    lines = text.splitlines()
    named = {
        number: _token(match[1])
        for number, match in ((n, _AGENT_LINE.match(line)) for n, line in enumerate(lines))
        if match and match[1].strip()
    }
    ours = max((t for t in set(named.values()) if _is_ours(t, agent)), key=len, default=_ALL)
    for number, token in named.items():
        lines[number] = f"User-agent: {ours if token == ours else _OTHERS}"
    return "\n".join(lines)


def _token(value: str) -> str:
    name = value.strip().lower()
    return name if name == _ALL else name.replace("*", "")


def _is_ours(token: str, agent: str) -> bool:
    """Whether a group of this name is for us; of several, the longest name counts."""
    return bool(token) and re.search(rf"(?<![\w-]){re.escape(token)}", agent) is not None
