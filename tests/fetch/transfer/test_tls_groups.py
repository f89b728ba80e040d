"""http.tls_groups decides which groups a TLS key exchange may use, and in which order."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest

from fetcher.errors import ConfigError
from fetcher.model import Outcome
from fetcher.settings import value_types
from fetcher.settings.load import load
from support.fetching import fetch
from support.secure import context_of, https_server
from tools.certificates import Authority

ALL = typing.get_args(value_types._TlsGroup)


@pytest.mark.parametrize(
    ("groups", "outcome"),
    [
        ([], Outcome.OK),
        (["P-256"], Outcome.OK),
        (["X25519", "P-256"], Outcome.OK),
        (list(ALL), Outcome.OK),
        (["X25519"], Outcome.TLS),
    ],
)
def test_a_server_of_one_group_is_reached_by_that_group_only(
    tmp_path: Path, groups: list[str], outcome: Outcome
) -> None:
    authority = Authority(tmp_path)
    context = context_of(*authority.issue(["127.0.0.1"]))
    context.set_ecdh_curve("prime256v1")
    with https_server(context) as port:
        url = f"https://127.0.0.1:{port}/"
        (row,) = fetch([url], ca_file=str(authority.ca_file), tls_groups=groups).results
    assert row.outcome is outcome, row.error


@pytest.mark.parametrize("group", ALL)
def test_the_tls_library_knows_each_group(tmp_path: Path, group: str) -> None:
    authority = Authority(tmp_path)
    with https_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}/"
        (row,) = fetch([url], ca_file=str(authority.ca_file), tls_groups=[group]).results
    # The server may not know it.
    assert row.outcome is Outcome.OK or row.error_kind == "handshake"
    assert "curve" not in (row.error or ""), row.error


@pytest.mark.parametrize("value", ['["X25518"]', '["x25519"]', '["X25519", "X25519"]', '["A:B"]'])
def test_an_unknown_group_is_refused_before_the_job(value: str) -> None:
    with pytest.raises(ConfigError, match=r"http\.tls_groups") as raised:
        load(None, {}, {"http.tls_groups": (value, "--set")})
    assert "\n" not in str(raised.value)
