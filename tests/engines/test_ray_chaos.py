"""A job on a cluster of Ray while everything is killed: actors, nodes, Ray's driver, fetcher's."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from support import rays
from support.engine_chaos import HELPER, Chaos, kill_one, leaving_nothing
from support.engines import EngineUnderTest, marked
from support.rays import Cluster

pytestmark = pytest.mark.slow


def _kill_raylet(ray: Cluster) -> None:
    node = ray.nodes.pop(0)
    node.kill_raylet()
    node.kill()
    ray.add()


def _kill_node(ray: Cluster) -> None:
    ray.nodes.pop(0).kill()
    ray.add()


def test_a_job_is_proven_whatever_is_killed(tmp_path: Path) -> None:
    with marked() as mark, leaving_nothing(mark, 180), contextlib.ExitStack() as stack:
        ray = stack.enter_context(rays.cluster(mark.environ, 2))
        options = ("--engine=ray", f"--set=engine.address={ray.address}")
        engine = EngineUnderTest(mark, options, start_s=180, environ=ray.environ)
        victims = {
            "actor": lambda: kill_one(mark.processes(rays.ACTOR)),
            "node": lambda: _kill_node(ray),
            "helper": lambda: kill_one(mark.processes(HELPER)),
            "raylet": lambda: _kill_raylet(ray),
        }
        Chaos(stack, engine, tmp_path, victims).run()
