"""The processes of a crawl load numpy without threads of its OpenBLAS, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.store import parent_files
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.reader import read_part
from support.crawl_outs import Page, make_crawl

HOME = "http://a.test/"
PAGES = {HOME: Page((Link("http://a.test/1"),))}


def after(code: str) -> tuple[bool, int]:
    """Whether a fresh interpreter has numpy after this code, and how many threads."""
    code += "\nimport os, sys; print('numpy' in sys.modules, len(os.listdir('/proc/self/task')))"
    environment = {key: text for key, text in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment,
    )
    has_numpy, threads = done.stdout.split()
    return has_numpy == "True", int(threads)


def test_a_sink_has_no_threads_to_multiply_matrices() -> None:
    sink = "from fetcher.roles.sink import crawl_recovery; crawl_recovery.require_libraries()"
    assert after(sink) == (True, 1)


def test_a_worker_that_reads_pages_has_no_numpy() -> None:
    assert after("import fetcher.roles.worker.page_reader") == (False, 1)


def test_a_worker_of_a_refresh_has_no_threads_to_multiply_matrices(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [HOME], CrawlRules())
    (tmp_path / "again").mkdir()
    parent_files.build(tmp_path / "again", [read_part(out)], is_conditional=True)
    folder = str(tmp_path / "again" / PARENT_NAME)
    worker = (
        f"from fetcher.roles.worker.parent import Parent; Parent({folder!r}).previous_of('none')"
    )
    assert after(worker) == (True, 1)
