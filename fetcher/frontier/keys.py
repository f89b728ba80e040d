"""The key of a URL: two links with one key are one line of the crawl.

It is 128 bits of a hash of the key text (frontier.key_texts) with a secret seed, so that no site
can make two URLs collide on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash

from fetcher import web_urls
from fetcher.frontier.key_table import Keys

HostNumbers = npt.NDArray[np.uint64]

KEY_BYTES: Final = 16
NO_HOST: Final = 0
TLS: Final = np.uint64(1)  # added to a host's number, which is even: the URL is an https one


def digests_of(texts: Iterable[bytes], seed: int) -> list[bytes]:
    """The keys of these encoded key texts, KEY_BYTES each; see `as_keys`."""
    return list(map(xxhash.xxh3_128_digest, texts, repeat(seed)))


def as_keys(digests: Iterable[bytes]) -> Keys:
    """The same keys as numbers."""
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)


def host_numbers(hosts: Iterable[str], seed: int) -> HostNumbers:
    """An even number of 64 bits for each host in the form of Target.key; NO_HOST for ""."""
    digest = xxhash.xxh3_64_intdigest
    numbers = [
        digest(host.encode("utf-8", "surrogatepass"), seed) if host else NO_HOST for host in hosts
    ]
    return np.array(numbers, dtype=np.uint64) & ~TLS


def with_schemes(hosts: HostNumbers, urls: Iterable[str], origins: Sequence[str]) -> HostNumbers:
    """The numbers of the URLs' origins, given those of their hosts.

    `origins`: of the URLs, by web_urls.plain_origins.
    """
    plain = {origin: origin.startswith("https:") for origin in set(origins) if origin}
    if len(plain) == 1 and "" not in origins:  # as of nearly all pages
        return hosts | np.uint64(plain[origins[0]])
    are_tls = [
        plain[origin] if origin else (web_urls.parsed(url) or "").startswith("https:")
        for origin, url in zip(origins, urls, strict=True)
    ]
    return hosts | np.array(are_tls, dtype=np.uint64)


def without_schemes(origins: HostNumbers) -> HostNumbers:
    """The numbers of the hosts of these origins."""
    return origins & ~TLS
