"""The arguments of one request replace settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from requests import exceptions as rx

from fetcher.fetch.requests_compat.per_request import http_of
from fetcher.settings.schema import Http

HTTP = Http(proxy="http://settings:1", verify_tls=True, ca_file="")


def changed(
    url: str = "https://a.test/", verify: Any = None, cert: Any = None, proxies: Any = None
) -> dict[str, object]:
    request = requests.Request("GET", url).prepare()
    http = http_of(HTTP, request, verify, cert, proxies)
    names = HTTP.__struct_fields__
    return {n: getattr(http, n) for n in names if getattr(http, n) != getattr(HTTP, n)}


def test_without_arguments_the_settings_stay() -> None:
    for verify in (None, True):
        assert changed(verify=verify) == {}


def test_verify_may_be_off_or_name_a_file(tmp_path: Path) -> None:
    assert changed(verify=False) == {"verify_tls": False}
    (tmp_path / "ca.pem").touch()
    assert changed(verify=str(tmp_path / "ca.pem")) == {"ca_file": str(tmp_path / "ca.pem")}
    with pytest.raises(OSError, match="invalid path"):
        changed(verify=str(tmp_path / "gone"))


def test_a_certificate_is_a_file_or_a_file_and_its_key(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("cert", "key"))
    one.touch()
    other.touch()
    assert changed(cert=str(one)) == {"client_cert": str(one)}
    assert changed(cert=(str(one), str(other))) == {
        "client_cert": str(one),
        "client_key": str(other),
    }
    with pytest.raises(OSError, match="Could not find the TLS certificate"):
        changed(cert=str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("given", "proxy"),
    [
        ("http://p:8080", "http://p:8080"),
        ("http://p", "http://p:80"),
        ("https://p", "https://p:443"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("http://me:pw@p:1/", "http://me:pw@p:1"),
        ("socks5h://p", "socks5h://p:1080"),
        ("socks5://p:9", "socks5h://p:9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_proxy_is_written_as_the_setting_has_it(given: str, proxy: str) -> None:
    assert changed(proxies={"https": given}) == {"proxy": proxy}


def test_a_proxy_of_another_scheme_or_host_is_not_used() -> None:
    assert changed(proxies={"http": "http://p:1", "https://b.test": "http://p:2"}) == {}
    assert changed(proxies={}) == {}


def test_a_proxy_that_cannot_be_used_is_the_exception_of_requests() -> None:
    with pytest.raises(rx.InvalidProxyURL):
        changed(proxies={"https": "http://"})
    with pytest.raises(rx.InvalidSchema, match="'ftp' is not supported"):
        changed(proxies={"https": "ftp://p:1"})
