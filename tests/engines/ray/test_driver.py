"""The engine says why it cannot use Ray, and leaves nothing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from fetcher.engines.interface import EngineError
from fetcher.engines.ray.driver import RayEngine
from fetcher.settings.schema import Engine, Settings


@contextlib.contextmanager
def engine(address: str) -> Iterator[RayEngine]:
    made = RayEngine(Settings(engine=Engine(name="ray", address=address)))
    try:
        yield made
    finally:
        made.end()


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "nonsense"])
def test_a_cluster_that_cannot_be_reached_is_one_clear_line(address: str) -> None:
    with socket.socket() as closed:  # its port is taken, and nobody listens
        closed.bind(("127.0.0.1", 0))
        named = address.format(closed.getsockname()[1])
        with engine(named) as made, pytest.raises(EngineError) as raised:
            made.start()
    said = str(raised.value)
    assert said.startswith(f"the Ray at {named} cannot be used: ")
    assert "\n" not in said


def test_a_ray_that_cannot_be_loaded_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "ray.py").write_text("raise ImportError('libray.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with (
        engine("127.0.0.1:1") as made,
        pytest.raises(EngineError, match=r"^ImportError: libray\.so is missing$"),
    ):
        made.start()
