"""`serve`, as an engine calls it: it returns plain data whatever happens in the slot."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

import pytest

from fetcher.engines import ticket
from fetcher.engines.slot import serve
from fetcher.security import engine_keys
from support.engines import TICKET


def refused() -> dict[str, Any]:
    return serve({"version": "0.0.1"})


def test_a_ticket_of_another_version_is_an_error_in_the_result() -> None:
    result = refused()
    assert result["ended"] == "failed"
    assert result["rows"] == 0
    assert result["error"].startswith("the slot's ticket was made by fetcher 0.0.1")


def test_an_expired_ticket_ends_before_any_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("subprocess.Popen")
    result = serve(ticket.to_plain(TICKET, ""))
    assert result["ended"] == "the ticket had expired before the slot began"
    assert "worker" not in result


def test_a_slot_runs_in_a_daemonic_process_too() -> None:
    """Such a process may not have children of multiprocessing's own; pools consist of them."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(refused)["ended"] == "failed"


def test_a_slot_drains_when_it_is_asked_to() -> None:
    result = serve(fresh(), secrets=new_secrets(), is_draining=lambda: True)
    assert result["ended"] == "the engine asked it to end", result
    assert result["worker"].startswith("celery@")


def test_a_worker_that_cannot_start_says_why_in_the_result() -> None:
    wrong = fresh() | {"settings": {"worker.transport": "no_such_module:Transport"}}
    result = serve(wrong, secrets=new_secrets())
    assert result["ended"] == "failed"
    assert "no_such_module" in result["error"]


def test_a_slot_of_a_refresh_does_not_begin_where_the_earlier_job_is_not_seen() -> None:
    """Its worker would fetch all pages in full, as if none had been fetched before."""
    result = serve(fresh() | {"parent": "/absent/parent"}, secrets=new_secrets())
    assert result["ended"] == "failed"
    assert result["error"].startswith("/absent/parent: this host does not see it")


def fresh() -> dict[str, Any]:
    """A ticket of now."""
    return ticket.to_plain(TICKET, "") | {
        "expires_at": time.time() + 60,
        "secrets_from": "engine",
        "servers": {"ventilator": _public(), "sink": _public()},
    }


def new_secrets() -> str:
    return f'{{"key":"{engine_keys.new_secret_key()}","settings":{{}}}}'


def _public() -> str:
    return engine_keys.public_of(engine_keys.new_secret_key())
