"""Reads the URLs of a srcset attribute.

https://html.spec.whatwg.org/multipage/images.html#parse-a-srcset-attribute
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_URL: Final = re.compile(r"[\t\n\f\r ,]*+([^\t\n\f\r ]++)")
# A comma in parentheses does not end a descriptor.
_DESCRIPTORS: Final = re.compile(r"(?:[^,(]++|\([^)]*+\)?+)*+,?+")


def urls_of(srcset: str) -> Iterator[str]:
    """The texts of the URLs, in order."""
    position = 0
    while (found := _URL.match(srcset, position)) is not None:
        position = found.end()
        text = found[1]
        url = text.rstrip(",")
        if url == text:
            descriptors = _DESCRIPTORS.match(srcset, position)
            position = descriptors.end() if descriptors else position
        if url:
            yield url
