"""`python -m tools.bench.peers.article URLFILE OUT`: the bulk fetcher that articles teach.

The parent reads the list and splits it in batches; one process per core is patched by gevent and
does a batch at a time: a greenlet per URL in a `gevent.pool.Pool`, each calling `requests.get`,
`gevent.joinall`; results go back through a pipe and the parent writes them, a JSON line each. It
is meant to be a fair example of its kind: correct (each URL is fetched once and has its line),
and patched in fresh processes before `requests` is imported. It is not durable: no fsync, no
resuming, no deadline except the timeouts of `requests`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, BinaryIO

_TIMEOUT_S = (10, 20)  # to connect, to read
Numbered = tuple[int, str]


def work(pipe: Connection, pool_size: int) -> None:
    """A process: batches in, lists of rows out, until it is sent None."""
    from gevent import monkey  # noqa: PLC0415

    monkey.patch_all()

    import gevent  # noqa: PLC0415
    import gevent.pool  # noqa: PLC0415
    import requests  # noqa: PLC0415

    def fetch(line: int, url: str) -> dict[str, Any]:
        try:
            answer = requests.get(url, timeout=_TIMEOUT_S)
        except Exception as error:  # not only RequestException escapes
            return {"line": line, "url": url, "error": f"{type(error).__name__}: {error}"}
        size = len(answer.content)
        return {"line": line, "url": url, "status": answer.status_code, "bytes": size}

    while batch := pipe.recv():
        pool = gevent.pool.Pool(pool_size)
        greenlets = [pool.spawn(fetch, line, url) for line, url in batch]
        gevent.joinall(greenlets)
        pipe.send([greenlet.value for greenlet in greenlets])


def batches(file: BinaryIO, size: int) -> Iterator[list[Numbered]]:
    """The list's URLs with their lines, `size` at a time."""
    texts = ((number, raw.strip().decode()) for number, raw in enumerate(file, 1))
    urls = ((number, text) for number, text in texts if text and not text.startswith("#"))
    while batch := list(islice(urls, size)):
        yield batch


def main(urlfile: Path, out: Path, processes: int, pool_size: int, batch_size: int) -> int:
    """Fetch the list; the number of rows written."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    workers = []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        worker = context.Process(target=work, args=(theirs, pool_size), daemon=True)
        worker.start()
        theirs.close()
        pipes.append(ours)
        workers.append(worker)
    count = 0
    with urlfile.open("rb") as source, out.open("w", encoding="utf-8") as rows:
        left = batches(source, batch_size)
        for pipe in pipes:
            pipe.send(next(left, None))
        busy = list(pipes)
        while busy:
            ready = wait(busy)
            for pipe in [pipe for pipe in busy if pipe in ready]:
                try:
                    results = pipe.recv()
                except EOFError:  # it had nothing left to do, and left
                    busy.remove(pipe)
                    continue
                pipe.send(next(left, None))
                rows.writelines(json.dumps(row) + "\n" for row in results)
                count += len(results)
    for worker in workers:
        worker.join()
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.peers.article")
    parser.add_argument("urlfile", type=Path)
    parser.add_argument("out", type=Path, help="the file of rows")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--pool-size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=1000)
    given = parser.parse_args()
    main(given.urlfile, given.out, given.processes, given.pool_size, given.batch_size)
