"""How a handle of libcurl is set up for a request."""

from __future__ import annotations

from typing import Any, cast

import pycurl
import pytest

from fetcher.fetch.transfer import curl_options
from fetcher.fetch.transfer.message import Request
from fetcher.settings.schema import Http

DEFAULTS = curl_options.default_headers(Http(user_agent="me"), "gzip")


class Easy(dict[int, Any]):
    """A handle that records its options."""

    def setopt(self, option: int, value: object) -> None:
        self[option] = value


def shaped(
    method: str = "GET", *headers: tuple[str, str], body: bytes | None = None
) -> dict[int, Any]:
    easy = Easy()
    request = Request("http://a.test/", method, headers, body)
    curl_options.set_shape(cast(Any, easy), request, DEFAULTS)
    return easy


def limited(**said: Any) -> dict[int, Any]:
    easy = Easy()
    curl_options.set_limits(cast(Any, easy), Http(**said))
    return easy


def test_a_get_has_the_default_headers() -> None:
    assert shaped() == {
        pycurl.HTTPHEADER: [b"User-Agent: me", b"Accept-Encoding: gzip", b"Accept: */*"]
    }


def test_headers_of_the_request_replace_the_defaults_and_keep_their_order() -> None:
    headers = shaped("GET", ("X", "1"), ("ACCEPT", "a"), ("X", "2"), ("Empty", ""))
    assert headers[pycurl.HTTPHEADER] == [
        *(b"User-Agent: me", b"Accept-Encoding: gzip"),
        *(b"X: 1", b"ACCEPT: a", b"X: 2", b"Empty;"),
    ]


def test_wire_text_is_sent_as_its_bytes() -> None:
    assert shaped("GET", ("X", "\xc3\xb6"))[pycurl.HTTPHEADER][-1] == b"X: \xc3\xb6"


@pytest.mark.parametrize(
    ("method", "body", "options"),
    [
        ("GET", None, {}),
        ("GET", b"x", {pycurl.POSTFIELDS: b"x", pycurl.CUSTOMREQUEST: "GET"}),
        ("HEAD", b"x", {pycurl.NOBODY: 1}),
        ("PUT", None, {pycurl.POSTFIELDS: b"", pycurl.CUSTOMREQUEST: "PUT"}),
        ("DELETE", None, {pycurl.CUSTOMREQUEST: "DELETE"}),
        (
            *("POST", None),
            {pycurl.POSTFIELDS: b"", pycurl.CUSTOMREQUEST: "POST", pycurl.FRESH_CONNECT: 1},
        ),
    ],
)
def test_each_method_and_body_is_sent_as_it_is(
    method: str, body: bytes | None, options: dict[int, object]
) -> None:
    easy = shaped(method, body=body)
    del easy[pycurl.HTTPHEADER]
    assert easy == options


def test_libcurl_adds_no_header_of_its_own_to_a_body() -> None:
    lines = shaped("POST", body=b"x")[pycurl.HTTPHEADER]
    assert {b"Expect:", b"Content-Type:"} <= set(lines)
    lines = shaped("POST", ("Content-Type", "a/b"), body=b"x")[pycurl.HTTPHEADER]
    assert b"Content-Type: a/b" in lines
    assert b"Content-Type:" not in lines


def test_a_head_has_no_headers_of_a_body() -> None:
    lines = shaped("HEAD", ("Content-Length", "5"), ("X", "1"), body=b"x")[pycurl.HTTPHEADER]
    assert lines[-1] == b"X: 1"
    assert not any(line.startswith(b"Content-Length") for line in lines)


@pytest.mark.parametrize(
    ("url", "is_needed"),
    [
        ("http://a.test/", False),
        ("http://a.test/?q", False),
        ("http://a.test/%7e", True),
        ("http://a.test/?", True),
        ("http://a.test/?#part", True),
        ("http://a.test/#part?x", False),
    ],
)
def test_a_target_is_set_where_libcurl_would_change_it(url: str, is_needed: bool) -> None:
    assert curl_options.needs_target(url) is is_needed


@pytest.mark.parametrize(
    ("url", "proxy", "target"),
    [
        ("http://a.test/x?q#part", "", "/x?q"),
        ("http://a.test/x?q#part", "http://p:1", "http://a.test/x?q"),
        ("http://a.test/x", "https://p:1", "http://a.test/x"),
        ("https://a.test/x", "http://p:1", "/x"),
        ("http://a.test/x", "socks5h://p:1", "/x"),
    ],
)
def test_a_proxy_of_plain_http_gets_the_whole_url(url: str, proxy: str, target: str) -> None:
    assert curl_options.target_to_send(url, Http(proxy=proxy)) == target


def test_the_environment_and_other_protocols_are_never_used() -> None:
    easy = limited()
    assert (easy[pycurl.PROXY], easy[pycurl.NOPROXY]) == ("", "")
    assert easy[pycurl.PROTOCOLS] == pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
    assert easy[pycurl.HTTP_CONTENT_DECODING] == 0
    assert (easy[pycurl.SSL_VERIFYPEER], easy[pycurl.SSL_VERIFYHOST]) == (1, 2)


def test_limits_are_those_of_the_settings() -> None:
    easy = limited(connect_timeout_s=1.5, connection_age_s=0.1, ip_version="6")
    assert easy[pycurl.CONNECTTIMEOUT_MS] == 1500
    assert easy[pycurl.MAXAGE_CONN] == 1
    assert easy[pycurl.IPRESOLVE] == pycurl.IPRESOLVE_V6


def test_certificates_are_not_checked_only_where_a_setting_says_so() -> None:
    easy = limited(verify_tls=False, ca_file="/ca", client_cert="/c", client_key="/k")
    for option in (pycurl.SSL_VERIFYPEER, pycurl.SSL_VERIFYHOST, pycurl.PROXY_SSL_VERIFYPEER):
        assert easy[option] == 0
    assert (easy[pycurl.CAINFO], easy[pycurl.SSLCERT], easy[pycurl.SSLKEY]) == ("/ca", "/c", "/k")
    assert pycurl.SSLCERT not in limited()


@pytest.mark.parametrize("is_on", [True, False])
def test_http2_is_used_where_the_settings_allow_it(is_on: bool) -> None:
    version = limited(http2=is_on)[pycurl.HTTP_VERSION]
    names = {True: pycurl.CURL_HTTP_VERSION_2TLS, False: pycurl.CURL_HTTP_VERSION_1_1}
    assert version == names[is_on]


def test_groups_of_tls_are_given_in_their_order() -> None:
    assert limited(tls_groups=("X25519", "P-256"))[pycurl.SSL_EC_CURVES] == "X25519:P-256"
    assert pycurl.SSL_EC_CURVES not in limited()
