"""Which cipher a TLS server chooses of those that are offered."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from support.fetching import fetch
from support.secure import context_of, https_server
from tools.certificates import Authority


@pytest.mark.parametrize(
    ("version", "cipher"),
    [
        (ssl.TLSVersion.TLSv1_3, "TLS_AES_128_GCM_SHA256"),  # as in browsers, the first
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ],
)
def test_a_server_that_follows_the_client_takes_the_first_cipher(
    tmp_path: Path, version: ssl.TLSVersion, cipher: str
) -> None:
    authority = Authority(tmp_path)
    context = context_of(*authority.issue(["127.0.0.1"]))
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.maximum_version = version
    with https_server(context) as port:
        url = f"https://127.0.0.1:{port}/"
        (row,) = fetch([url], ca_file=str(authority.ca_file)).results
    assert dict(row.headers)["X-Cipher"] == cipher
