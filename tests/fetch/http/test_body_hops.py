"""Where the body of a request goes when it is redirected."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fetcher.model import Outcome, Result
from support import jobs
from support.echo import echo_server

BODY = "secret=1"
SHA256 = hashlib.sha256(BODY.encode()).hexdigest()


def posted(path: Path, cases: dict[int, str], *options: str) -> list[Result]:
    """The rows of POSTs with a body to these URLs, by id."""
    urls, out = path / "urls.jsonl", path / "out"
    request = {"method": "POST", "body": BODY, "headers": {"Content-Type": "a/b", "X-Key": "k"}}
    lines = [{**request, "url": url, "id": name} for name, url in cases.items()]
    urls.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    settings = ("output.bodies=inline", "worker.processes=1", *options)
    done = jobs.call("run", urls, "-o", out, *(f"--set={each}" for each in settings))
    assert done.returncode == 0, done.stderr
    return sorted(jobs.rows(out), key=lambda row: row.line)


def arrived(row: Result) -> dict[str, Any]:
    """The request that the last server reports."""
    assert isinstance(row.body, str), row
    said: dict[str, Any] = json.loads(row.body)
    return said | {"headers": dict(said["headers"])}


@pytest.mark.parametrize("goes", [True, False])
def test_a_body_goes_to_another_origin_only_where_the_setting_lets_it(
    tmp_path: Path, goes: bool
) -> None:
    statuses = (302, 303, 307, 308)
    with echo_server() as home, echo_server() as other:
        cases = {code: f"{home}/redirect?code={code}&to={other}/echo" for code in statuses}
        cases |= {0: f"{home}/redirect?code=307&to=/echo"}
        rows = posted(tmp_path, cases, f"http.cross_origin_bodies={str(goes).lower()}")
        port = int(other.rpartition(":")[2])
    found, seen, temporary, permanent, near = rows
    for row in (found, seen):
        assert (arrived(row)["method"], arrived(row)["bytes"]) == ("GET", 0)
    at_home = arrived(near)
    assert (at_home["method"], at_home["body"]) == ("POST", SHA256)
    assert (at_home["headers"]["content-type"], at_home["headers"]["x-key"]) == ("a/b", "k")
    for code, row in ((307, temporary), (308, permanent)):
        if goes:
            said = arrived(row)
            assert (said["method"], said["body"]) == ("POST", SHA256)
            assert said["headers"]["content-type"] == "a/b"
            assert "x-key" not in said["headers"]
        else:
            assert (row.outcome, row.status, row.redirects) == (Outcome.BLOCKED, code, ())
            assert row.error == (
                f"redirected ({code}) to another origin, 127.0.0.1:{port} by http, which may not "
                "have the request's body (http.cross_origin_bodies = false)"
            )
