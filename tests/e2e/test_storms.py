"""Several sinks are killed again and again; each line has one row, with its body."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path

import pytest

from support import jobs
from support.hosts import Hosts
from tools.site.running import RunningSite

pytestmark = pytest.mark.promise

SINKS = 3


@pytest.mark.slow
@pytest.mark.parametrize("bodies", ["files", "warc", "inline"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_sinks_under_a_kill_storm_lose_no_row_and_no_body(
    site: RunningSite, tmp_path: Path, bodies: str, compression: str
) -> None:
    hosts = Hosts(tmp_path, 0, sinks=SINKS)
    jobs.write_urls(hosts.urls, [site.url(f"/page/{n}") for n in range(1200)])
    settings = (
        "--set=worker.transport=curl",
        f"--set=output.bodies={bodies}",
        f"--set=output.compression={compression}",
        "--set=sink.commit_interval_s=0.05",
        "--set=sink.segment_bytes=100000",
    )
    dice = random.Random(f"{bodies} {compression}")
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(jobs.running(*sink, *settings)) for sink in hosts.sinks]
        ventilator = stack.enter_context(jobs.running(*hosts.ventilator, *settings))
        for _ in range(2):
            stack.enter_context(jobs.running(*hosts.worker, *settings))
        for _ in range(25):
            time.sleep(dice.uniform(0.1, 1.0))
            number = dice.randrange(SINKS)
            if ventilator.process.poll() is not None:
                break
            sinks[number].process.kill()
            sinks[number].wait()
            sinks[number] = stack.enter_context(jobs.running(*hosts.sinks[number], *settings))
        assert ventilator.wait(200)[0] == 0
        for sink in sinks:
            # One that was started after the end leaves when nobody has asked for it.
            code, _, error = sink.wait(60)
            assert code == 0, error
    verdict = jobs.call("verify", *hosts.outs, "--urls", hosts.urls)
    assert verdict.returncode == 0, verdict.stdout
