"""Restarts a crawl that has a long log, most of which has its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from msgspec.structs import replace

from fetcher.commit.committer import BatchState, Delta
from fetcher.commit.crawl_record import Appended
from fetcher.frontier.admitted import RECORD_BYTES
from fetcher.store import manifest as manifests
from fetcher.store.output_dir import Store
from tools.bench.crawl_sink import log_line
from tools.bench.jobs import Job, run_job
from tools.bench.lists import write_lines
from tools.bench.marking import TRANSPORT
from tools.bench.processes import Fleet

_SEEDS: Final = 30_000
_FIRST_ROWS: Final = 100
_SEGMENT_BYTES: Final = 1 << 30
_BLOCK: Final = 100_000
_HOST: Final = 1  # the number of the only host
_DONE_SHARE: Final = 0.8  # of the lines that have their rows


def restart(fleet: Fleet, folder: Path, lines: int, limit_s: float) -> Job:
    """Begin a crawl, make its log so long, and resume it until more rows are committed."""
    seeds = write_lines(
        folder / "seeds.txt", (f"http://127.0.0.1/{number}" for number in range(_SEEDS))
    )
    out = folder / "out"
    words = ("--workers", 1, "--set", f"worker.transport={TRANSPORT}", "--set=polite.robots=false")

    def crawl(stop_at: int) -> Job:
        return run_job(fleet, seeds, out, *words, limit_s=limit_s, stop_at=stop_at, command="crawl")

    crawl(_FIRST_ROWS)
    rows = lengthen(out, lines)
    return crawl(rows + 1)


def lengthen(out: Path, lines: int) -> int:
    """Append lines to the log of the crawl in OUT, most of them with rows; all rows then."""
    manifest = manifests.read(out)
    assert manifest is not None
    store = Store(out, manifest, _SEGMENT_BYTES)
    try:
        assert store.crawl is not None
        record, size = store.crawl_record, manifest.batch_size
        totals = store.journal.recover().totals
        dice = np.random.default_rng(1)
        first_new = -(-record.lines // size)  # the first batch that holds new lines alone
        for first in range(record.lines + 1, lines + 1, _BLOCK):
            numbers = range(first, min(first + _BLOCK, lines + 1))
            keys = dice.integers(0, 1 << 63, size=(len(numbers), RECORD_BYTES // 8), dtype="u8")
            keys[:, 2] = _HOST
            log = [log_line(number) for number in numbers]
            new = Appended(len(numbers), log, [keys.tobytes()])
            record = replace(record, lines=numbers[-1], ready_lines=numbers[-1])
            full = (1 << size) - 1
            done = range(first_new, int(record.lines * _DONE_SHARE) // size)
            first_new = max(first_new, done.stop)
            totals = totals.plus({0: len(done) * size}, {0: len(done) * size}, 0)
            states = {batch: BatchState(full, full) for batch in done}
            store.append([b"{}\n" * (len(done) * size)], [])  # nobody reads these rows
            store.crawl.append(new, record.level)
            store.record(Delta(states, totals, record))
        return totals.rows
    finally:
        store.close()
