"""The process that speaks with Ray says why it cannot, and leaves nothing."""

from __future__ import annotations

import socket

import pytest

from fetcher.engines.interface import EngineError
from fetcher.engines.ray.messages import Order
from fetcher.engines.ray.session import Session


def order(address: str) -> Order:
    return Order(address=address, slots=1, cpus=1.0, start_s=10.0, folders=(), directory="")


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "nonsense"])
def test_a_cluster_that_cannot_be_reached_is_one_clear_line(address: str) -> None:
    with socket.socket() as closed:  # its port is taken, and nobody listens
        closed.bind(("127.0.0.1", 0))
        named = address.format(closed.getsockname()[1])
        with pytest.raises(EngineError) as raised:
            Session(order(named))
    said = str(raised.value)
    assert said.startswith(f"the Ray at {named} cannot be used: ")
    assert "\n" not in said


def test_a_ray_that_cannot_be_loaded_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "ray.py").write_text("raise ImportError('libray.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with pytest.raises(EngineError, match=r"has ended; it wrote last: .*libray\.so is missing"):
        Session(order("127.0.0.1:1"))
