"""The files that TLS needs are checked before the job."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from fetcher.errors import ConfigError
from fetcher.fetch.transfer import tls
from fetcher.settings.schema import Http
from tools.certificates import Authority

Files = tuple[str, str]  # a certificate, and its key


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    certificate, key = Authority(tmp_path_factory.mktemp("tls")).issue(["localhost"])
    return str(certificate), str(key)


def test_the_trusted_authorities_are_those_of_certifi_unless_a_file_is_named() -> None:
    assert tls.ca_file(Http()) == certifi.where()
    assert tls.ca_file(Http(ca_file="/my.pem")) == "/my.pem"


def test_files_that_hold_what_they_should_pass(files: Files) -> None:
    certificate, key = files
    tls.check_files(Http())
    tls.check_files(Http(ca_file=certificate))
    tls.check_files(Http(client_cert=certificate, client_key=key))


def test_a_file_that_is_missing_is_named_with_its_setting(tmp_path: Path, files: Files) -> None:
    certificate, _ = files
    gone = str(tmp_path / "gone")
    for http, name in (
        (Http(ca_file=gone), "ca_file"),
        (Http(client_cert=gone), "client_cert"),
        (Http(client_cert=certificate, client_key=gone), "client_key"),
    ):
        with pytest.raises(ConfigError, match=rf"^http\.{name}: {gone}: No such file"):
            tls.check_files(http)


def test_a_file_that_holds_something_else_is_named(files: Files, tmp_path: Path) -> None:
    certificate, key = files
    (tmp_path / "text").write_text("text")
    text = str(tmp_path / "text")
    with pytest.raises(ConfigError, match=rf"http\.ca_file: {text}: no certificates in PEM \("):
        tls.check_files(Http(ca_file=text))
    with pytest.raises(ConfigError, match=r"http\.client_cert: .*no certificate with its key"):
        tls.check_files(Http(client_cert=text))
    with pytest.raises(ConfigError, match=r"http\.client_cert: .*no certificate with its key"):
        tls.check_files(Http(client_cert=key, client_key=certificate))


def test_a_key_without_its_certificate_is_refused(files: Files) -> None:
    _, key = files
    with pytest.raises(ConfigError, match=r"http\.client_key is set without http\.client_cert"):
        tls.check_files(Http(client_key=key))
