"""With the log format json, each line on stderr is one JSON object."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import jobs
from support.waiting import wait_until

JSON = "--log-format=json"


def objects(stderr: str) -> list[dict[str, Any]]:
    """Every line, as the object that it must be."""
    found = [json.loads(line) for line in stderr.splitlines()]
    for fields in found:
        assert {"ts", "level", "role", "message"} <= set(fields)
        assert (fields["role"] == "worker") == ("worker" in fields), fields
    return found


def test_a_killed_worker_progress_and_the_supervisor_all_speak_json(tmp_path: Path) -> None:
    urls = ["http://test.invalid/mutter?ms=1"]
    urls += [f"http://test.invalid/{n}?ms=100" for n in range(150)]
    listed = jobs.write_urls(tmp_path / "urls.txt", urls)
    out = tmp_path / "out"
    options = (JSON, "--workers=1", "--pool-size=20", f"--set=worker.transport={jobs.DEADLY}")
    with jobs.running(
        "run", listed, "-o", out, *options, "--set=log.progress_interval_s=0.2"
    ) as job:
        wait_until(lambda: jobs.committed(out) > 20, what="rows")
        assert job.kill("worker")
        code, _, error = job.wait(60)
    assert code == 0, error
    said = objects(error)
    spoken = {(each["role"], each.get("worker"), each["message"]) for each in said}
    assert ("worker", "worker1", "a whole line") in spoken
    assert ("worker", "worker1", "half of") in spoken
    assert ("supervisor", None, "worker1 ended (signal 9); starting it again") in spoken
    progress = [each["progress"] for each in said if "progress" in each]
    assert progress[-1]["url_lines"] == 151
    assert progress[-1]["rows"] > 20
    jobs.prove(out, listed)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "nowhere.txt", "-o", "out", JSON), 2),
        (("run", "urls.txt", "-o", "out", "--no-such-option", JSON), 2),
        (("run", "urls.txt", "-o", "out", "--set=worker.pool_size=x", "--log-format", "json"), 2),
        (("run", "urls.txt", "-o", "out", "--set", "log.format=json", "--workers=-1"), 2),
        (("run", "urls.txt", "-o", "out", JSON, "--set=http.ca_file=/nowhere"), 2),
        (("run", "urls.txt", "-o", "out", JSON, "--workers=2", "--set=worker.transport=a:b"), 2),
        (("sink", "-o", ".", JSON), 4),
    ],
)
def test_each_mistake_is_one_object(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/"])
    done = subprocess.run(
        jobs.command(*arguments), capture_output=True, cwd=tmp_path, env=jobs.ENV, check=False
    )
    (said,) = objects(done.stderr.decode())
    assert (done.returncode, said["exit_code"], said["level"]) == (code, code, "error")
