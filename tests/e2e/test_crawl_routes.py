"""A crawl with routes: each line of its log is fetched by workers of its route alone."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path

from support import jobs
from support.waiting import wait_until
from support.web import Page, links, site
from tools.ports import free_ports

USERS = [f"user{n}" for n in range(6)]
CONF = """
[[routes]]
name = "followers"

[[routes]]
name = "archive"
match = ["url:/archive/"]

[worker]
handler = "support.recipes:people"

[job]
batch_size = 10
"""


def network(path: str) -> str | Page | None:
    """Users that follow each other, and an archive that all of them link to."""
    _, kind, *rest = path.split("/")
    if kind == "users":
        return links(f"/archive/{rest[0]}")
    if kind == "archive":
        return "old"
    if kind != "api":
        return None
    after = USERS.index(rest[1]) + 1
    data = {"names": USERS[after : after + 2], "next": None}
    return Page(json.dumps(data).encode(), content_type="application/json")


def test_links_take_the_route_that_a_handler_gives_them_or_that_their_url_matches(
    tmp_path: Path,
) -> None:
    out, conf, base = tmp_path / "out", tmp_path / "routes.toml", free_ports(7)
    conf.write_text(CONF)
    where = (f"--ventilator=tcp://127.0.0.1:{base}", f"--sink=tcp://127.0.0.1:{base + 5}")
    worker = ("worker", "--processes=1", "-c", conf, *where)
    with site(network) as at, contextlib.ExitStack() as stack:

        def start(*arguments: object) -> jobs.Running:
            return stack.enter_context(jobs.running(*arguments))

        seed = jobs.write_urls(tmp_path / "seeds.txt", [at.url("/users/user0")])
        sink = start("sink", "-o", out, *where)
        ventilator = start("ventilator", "--crawl", seed, "-c", conf, *where)
        workers = [start(*worker, "--routes=default,followers")]
        # Handlers name the route user, which has no table: these lines take that of their URL.
        users_and_lists = 2 * len(USERS)
        wait_until(lambda: jobs.committed(out) == users_and_lists, what="rows of served routes")
        served = {row.worker for row in jobs.rows(out)}
        workers.append(start(*worker, "--routes=archive"))
        for job in (ventilator, sink, *workers):
            code, _, error = job.wait(60)
            assert code == 0, error
        assert set(at.asked.values()) == {1}
    proof = jobs.call("verify", out)
    assert proof.returncode == 0, proof.stdout
    rows = jobs.rows(out)
    assert Counter(row.url.split("/")[3] for row in rows) == {
        "users": len(USERS),
        "api": len(USERS),
        "archive": len(USERS),
    }
    archive = {row.worker for row in rows if "/archive/" in row.url}
    assert archive and archive.isdisjoint(served)
