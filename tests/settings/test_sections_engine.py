"""Where ventilator and sink listen for an engine's workers."""

from __future__ import annotations

import msgspec
import pytest

from fetcher.settings.sections_engine import Engine


@pytest.mark.parametrize(
    "bind", ["tcp://127.0.0.1:0", "tcp://0.0.0.0:5700", "tcp://[::1]:5700", "tcp://10.0.0.1:65531"]
)
def test_five_ports_must_fit(bind: str) -> None:
    assert msgspec.convert({"bind": bind}, Engine).bind == bind


@pytest.mark.parametrize(
    "bind", ["tcp://10.0.0.1:65534", "tcp://10.0.0.1:99999", "tcp://name:1", "10.0.0.1:1"]
)
def test_other_addresses_are_refused(bind: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"bind": bind}, Engine)
