"""The list of URLs that the demo fetches: mostly pages, with a little of everything.

The list has what lists have: comments, blank lines, and lines that are no URL to
fetch. Nothing on it takes longer than a few seconds.
"""

from collections.abc import Iterator

_TITLE = "# The demo: a few thousand pages of the built-in site, and some surprises."

_GOOD_PATHS = [
    "/redirect/1",
    "/redirect/3",
    "/gzip/20000",
    "/utf16",
    "/latin1",
    "/no-length",
    "/chunked/5000",
    "/bytes/0",
    "/bytes/200000",
    "/latency/300",
    "/cookies/set",
    "/headers",
    "/status/204",
    "/status/599",
]

_BAD_PATHS = [
    "/redirect-loop",
    "/hostile/close-at-once",
    "/hostile/close-mid-header",
    "/hostile/close-mid-body",
    "/hostile/garbage",
    "/hostile/bad-length",
    "/hostile/negative-length",
    "/hostile/colonless",
    "/hostile/redirect-file",
    "/hostile/redirect-bad-host",
    "/hostile/bad-gzip",
    "/hostile/odd-charset",
]

_NOT_FETCHABLE = (
    "www.example.com/no-scheme",
    "ftp://127.0.0.1/file.txt",
    "javascript:void(0)",
    "http://nowhere.invalid/",
    "http://",
    "http://[::1",
    "not a url at all",
)


def _asides(base: str) -> Iterator[str]:
    """Everything on the list that is not a page, in its order."""
    yield "# Answers of other shapes."
    yield from (base + path for path in _GOOD_PATHS)
    yield ""
    yield "# Answers that are wrong."
    yield from (base + path for path in _BAD_PATHS)
    yield "   "
    yield "# Lines that are not to be fetched."
    yield from _NOT_FETCHABLE
    yield ""


def demo_lines(base: str, pages: int) -> Iterator[str]:
    """The lines of the list for a site at `base`, without line ends."""
    yield _TITLE
    asides = list(_asides(base))
    gap = max(1, pages // len(asides))
    for number in range(pages):
        yield f"{base}/page/{number}"
        if number % gap == gap - 1 and asides:
            yield asides.pop(0)
    yield from asides
