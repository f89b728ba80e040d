"""Environment variables that set settings, and those that are refused."""

from __future__ import annotations

import pytest

from fetcher.errors import ConfigError
from fetcher.settings import load


def test_other_variables_are_ignored() -> None:
    assert load.load(None, {"FETCHER": "x", "HOME__X": "y", "MY_FETCHER_A__B": "1"}).origins == {}


@pytest.mark.parametrize("name", ["FETCHER_WORKER__POOL", "FETCHER_X__Y"])
def test_unknown_variables_are_reported_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load.load(None, {name: "1"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FETCHER_WORKER_POOL_SIZE", "FETCHER_WORKER__POOL_SIZE"),
        ("FETCHER_HTTP_PROXY", "FETCHER_HTTP__PROXY"),
    ],
)
def test_a_variable_that_lacks_an_underscore_is_reported(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: sets nothing; write {meant}, with two"):
        load.load(None, {name: "x"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FETCHER_HTTP_TIMEOUT", "FETCHER_HTTP__TOTAL_TIMEOUT_S"),
        ("FETCHER_HTTP__TIMEOUT", "FETCHER_HTTP__TOTAL_TIMEOUT_S"),
        ("FETCHER_TIMEOUT", "FETCHER_HTTP__TOTAL_TIMEOUT_S"),
        ("FETCHER_POOL_SIZE", "FETCHER_WORKER__POOL_SIZE"),
        ("FETCHER_WORKERS__POOL_SIZE", "FETCHER_WORKER__POOL_SIZE"),
        ("FETCHER_OUTPUT_BODY", "FETCHER_OUTPUT__BODIES"),
        ("FETCHER_USER_AGENT", "FETCHER_HTTP__USER_AGENT"),
        ("FETCHER_POLITE_DELAY", "FETCHER_POLITE__DELAY_S"),
    ],
)
def test_a_mistyped_variable_is_refused_with_a_guess_alone(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load.load(None, {name: "s3cret"})
    assert str(caught.value) == f"{name}: sets nothing (did you mean {meant}?)"


@pytest.mark.parametrize(
    "name",
    ["FETCHER_", "FETCHER_HOME", "FETCHER_WORKER", "FETCHER___", "FETCHER_HTTP__", "FETCHER_Ü"],
)
def test_a_variable_that_is_like_no_setting_is_refused_with_where_to_look(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: sets nothing; .* `fetcher config` lists"):
        load.load(None, {name: "1"})


def test_variables_of_a_kubernetes_service_named_fetcher_are_ignored() -> None:
    made = {
        "FETCHER_SERVICE_HOST": "10.0.0.11",
        "FETCHER_SERVICE_PORT": "80",
        "FETCHER_SERVICE_PORT_HTTP": "80",
        "FETCHER_PORT": "tcp://10.0.0.11:80",
        "FETCHER_PORT_80_TCP": "tcp://10.0.0.11:80",
        "FETCHER_PORT_80_TCP_PROTO": "tcp",
        "FETCHER_PORT_80_TCP_PORT": "80",
        "FETCHER_PORT_80_TCP_ADDR": "10.0.0.11",
    }
    assert load.load(None, made).origins == {}
    with pytest.raises(ConfigError, match=r"^FETCHER_PORT: sets nothing"):
        load.load(None, {"FETCHER_PORT": "80"})


def test_a_variable_that_is_not_utf8_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^FETCHER_KEYS__DIR: keys\.dir is not valid UTF-8$"):
        load.load(None, {"FETCHER_KEYS__DIR": "na\udcffme"})
