"""The trouble that a worker reports on its metrics port."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from fetcher.roles.spec import RoleSpec
from fetcher.roles.worker.numbers_publisher import NumbersPublisher
from fetcher.settings.schema import Settings, Worker


@pytest.mark.parametrize(
    ("silent_s", "standing", "job", "trouble"),
    [
        (5.0, False, "", ""),
        (5.1, False, "", "no ventilator is heard at tcp://v:1 (for 5 s)"),
        (90.0, False, "job", "no ventilator is heard at tcp://v:1 (for 90 s)"),
        (90.0, True, "", ""),
        (90.0, True, "job", "no ventilator is heard at tcp://v:1 (for 90 s)"),
    ],
)
def test_a_ventilator_that_is_silent_is_a_trouble_unless_none_is_expected(
    silent_s: float, standing: bool, job: str, trouble: str
) -> None:
    settings = replace(Settings(), worker=Worker(standing=standing))
    assert settings.lease.silent_s == 5.0
    spec = RoleSpec(role="worker", name="w", settings=settings, ventilator="tcp://v:1", sinks=("",))
    nothing = cast(Any, None)
    publisher = NumbersPublisher(
        spec, nothing, cast(Any, SimpleNamespace(job=job)), nothing, nothing, nothing
    )
    assert publisher._trouble(silent_s) == trouble
