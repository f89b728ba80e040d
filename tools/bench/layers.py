"""`python -m tools.bench.layers LAYER URLFILE RESULT_FILE …`: the fetch core up to a layer.

RESULT_FILE then has the CPU seconds of this process between the first request and the last.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import gevent
import gevent.event
import pycurl

from fetcher import bitset
from fetcher.fetch import urls
from fetcher.fetch.dns.resolver import Resolver
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.transfer.curl_loop import CurlLoop
from fetcher.fetch.transfer.message import Request
from fetcher.input.formats import TEXT
from fetcher.model import Result, Task
from fetcher.protocol import chunk_frames, codec, messages
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import LinePool
from fetcher.roles.worker.lines import Line
from fetcher.rows import jsonl
from fetcher.settings import load
from fetcher.settings.schema import Settings
from tools.bench import worker_layer

_SERVER: Final = "127.0.0.1"
_BATCH: Final = 200
_TIMEOUT_S: Final = 60.0


def _in_greenlets(count: int, given: list[str], make: Callable[[], Callable[[str], bool]]) -> int:
    """Each URL fetched by one of `count` greenlets; the number of good answers."""
    rest = iter(given)
    good = 0

    def work() -> None:
        nonlocal good
        fetch = make()
        for url in rest:
            is_good = fetch(url)  # apart, as others add to `good` meanwhile
            good += is_good

    gevent.joinall([gevent.spawn(work) for _ in range(count)], raise_error=True)
    return good


def _loop(settings: Settings, given: list[str]) -> int:
    """libcurl on gevent's loop; nothing is kept, checked or looked up."""
    pool = settings.worker.pool_size
    loop = CurlLoop(pool)

    def make() -> Callable[[str], bool]:
        easy = pycurl.Curl()
        easy.setopt(pycurl.NOSIGNAL, 1)
        easy.setopt(pycurl.PROXY, "")
        easy.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        if settings.http.ca_file:
            easy.setopt(pycurl.CAINFO, settings.http.ca_file)

        def fetch(url: str) -> bool:
            easy.setopt(pycurl.URL, url)
            host = url.split("/", 3)[2]
            is_name = host.partition(":")[0].endswith(".test")
            if is_name:
                easy.setopt(pycurl.RESOLVE, [f"+{host}:{_SERVER}"])
            easy.setopt(pycurl.DNS_CACHE_TIMEOUT, -1 if is_name else 0)
            loop.perform(easy)
            return bool(easy.getinfo(pycurl.RESPONSE_CODE) == 200)

        return fetch

    return _in_greenlets(pool, given, make)


def _exchange(settings: Settings, given: list[str]) -> int:
    """With our limits, headers, digest, address guard and pinned addresses, name look-ups aside."""
    transport = Connections(settings)

    def make() -> Callable[[str], bool]:
        exchange = transport.lend()

        def fetch(url: str) -> bool:
            target = urls.target_of(url, settings.http.max_url_bytes)
            exchange.perform(Request(url), _TIMEOUT_S, transport.pin(target, _TIMEOUT_S))
            return exchange.status == 200

        return fetch

    return _in_greenlets(settings.worker.pool_size, given, make)


def _fetch(settings: Settings, given: list[str]) -> int:
    """With the URL's check, redirects, attempts and the result."""
    fetcher = CurlFetcher(settings, "bench")

    def fetch(url: str) -> bool:
        step = fetcher.begin(Task(1, url))
        step.step()
        return step.result is not None and step.result.status == 200

    return _in_greenlets(settings.worker.pool_size, given, lambda: fetch)


def _pool(settings: Settings, given: list[str]) -> int:
    """With batches, the pool, rows as JSON and chunks for the sink: all but the sockets."""
    good = ended = 0
    done = gevent.event.Event()

    def finished(line: Line, result: Result) -> None:
        nonlocal good, ended
        line.buffer.finish(result, jsonl.encode(result))
        if not line.buffer.outstanding:
            chunk = line.buffer.take_chunk()
            assert chunk is not None
            codec.encode(*chunk_frames.chunk_parts(chunk))
        good += result.status == 200
        ended += 1
        if ended == len(given):
            done.set()

    fetcher = CurlFetcher(settings, "bench")
    pool = LinePool(settings, fetcher, "bench", finished, lambda: True)
    for held in _batches(given):
        while not pool.has_room:
            pool.room.clear()
            pool.room.wait(_TIMEOUT_S)
        pool.admit(held, list(held.tasks()))
        gevent.sleep(0)
    done.wait()
    return good


def _batches(given: list[str]) -> Iterator[LeaseBuffer]:
    for first in range(0, len(given), _BATCH):
        part = given[first : first + _BATCH]
        mask = bitset.pack((1 << len(part)) - 1)
        tasks = messages.Assignment(
            job="bench",
            lease=first,
            batch=first // _BATCH,
            batch_mask=mask,
            first_line=first + 1,
            mask=mask,
            format=TEXT,
        )
        yield LeaseBuffer(tasks, "\n".join(part).encode(), "bench", 0)


def _names(settings: Settings, given: list[str]) -> int:
    """The name look-ups alone."""
    resolver = Resolver(settings.dns, settings.http.ip_version)

    def look_up(url: str) -> bool:
        return bool(resolver.resolve(url.split("/", 3)[2].partition(":")[0]))

    return _in_greenlets(settings.worker.pool_size, given, lambda: look_up)


LAYERS: Final[dict[str, Callable[[Settings, list[str]], int]]] = {
    "loop": _loop,
    "exchange": _exchange,
    "fetch": _fetch,
    "pool": _pool,
    "names": _names,
    "worker": worker_layer.fetch_all,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.layers", description=__doc__)
    parser.add_argument("layer", choices=LAYERS)
    parser.add_argument("urlfile", type=Path)
    parser.add_argument("result_file", type=Path, help="where the seconds go")
    parser.add_argument("-c", dest="conf", type=Path)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    words = dict(text.split("=", 1) for text in options.set)
    overrides: dict[str, tuple[load.Value, str]] = {
        key: (text, "--set") for key, text in words.items()
    }
    settings = load.load(options.conf, {}, overrides).settings
    given = options.urlfile.read_text("utf-8").split()
    if options.layer not in ("names", "worker"):
        _know_all_names()
    began = _cpu_s()
    good = LAYERS[options.layer](settings, given)
    took_s = _cpu_s() - began
    if good != len(given):
        raise SystemExit(f"{good} good of {len(given)} URLs")
    options.result_file.write_text(str(took_s), "ascii")


def _know_all_names() -> None:
    """Name look-ups are a layer of their own."""

    def known(_self: Resolver, _host: str) -> tuple[str, ...]:
        return (_SERVER,)

    changed: Any = Resolver
    changed.known = known


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
