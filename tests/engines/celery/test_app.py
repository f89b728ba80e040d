"""Which broker an application of Celery uses."""

from __future__ import annotations

import pytest

from fetcher.engines.celery.app import make_app


@pytest.mark.parametrize(
    ("given", "environ", "broker"),
    [
        ("redis://given:1/0", "redis://environ:1/0", "given"),
        ("redis://given:1/0", "", "given"),
        ("", "redis://environ:1/0", "environ"),
    ],
)
def test_a_given_broker_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str, environ: str, broker: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", environ)
    app = make_app(given)
    assert app.connection_for_write().hostname == app.connection_for_read().hostname == broker
