"""Where a redirect leads, and what of the request goes there."""

from __future__ import annotations

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.head import notable_of
from fetcher.fetch.urls import target_of
from fetcher.settings.schema import Http

HTTP = Http()
SOURCE = target_of("http://a.test/b/c?d#part", 8192)
ALL = (
    ("Accept", "text/html"),
    ("Authorization", "secret"),
    ("Cookie", "secret"),
    ("X-Token", "secret"),
    ("Content-Type", "text/plain"),
    ("content-length", "3"),
)


def failed(call: object) -> Failure:
    assert callable(call)
    with pytest.raises(Failure) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("values", "location"),
    [((), ""), (("/x",), "/x"), (("/x", "/x"), "/x"), (("", "/x"), "/x"), (("",), "")],
)
def test_one_location_counts(values: tuple[str, ...], location: str) -> None:
    headers = [("Server", "x"), *(("LOCATION", value) for value in values)]
    assert redirects.location_of(notable_of(headers)) == location


def test_locations_that_differ_are_a_failure() -> None:
    headers = notable_of([("Location", "/x"), ("location", "/y")])
    failure = failed(lambda: redirects.location_of(headers))
    assert failure.kind is ErrorKind.PROTOCOL_BAD_LOCATION
    assert failure.message == "2 Location headers that differ"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "http://a.test/x#part"),
        ("x", "http://a.test/b/x#part"),
        ("?q", "http://a.test/b/c?q#part"),
        ("x#own", "http://a.test/b/x#own"),
        ("//b.test/x", "http://b.test/x#part"),
        ("https://b.test", "https://b.test/#part"),
        ("/caf\xc3\xa9", "http://a.test/caf%C3%A9#part"),
        ("/caf\xe9", "http://a.test/caf%E9#part"),
    ],
)
def test_a_location_means_what_it_means_in_a_browser(location: str, url: str) -> None:
    assert redirects.hop(SOURCE, location, HTTP).url == url


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("http://", ErrorKind.PROTOCOL_BAD_LOCATION),
        ("http://user@b.test/", ErrorKind.PROTOCOL_BAD_LOCATION),
        ("ftp://b.test/", ErrorKind.BLOCKED_SCHEME),
        ("file:///etc/passwd", ErrorKind.BLOCKED_SCHEME),
        ("/" + "x" * 8192, ErrorKind.PROTOCOL_BAD_LOCATION),
    ],
)
def test_a_location_that_cannot_be_fetched_is_a_failure(location: str, kind: ErrorKind) -> None:
    assert failed(lambda: redirects.hop(SOURCE, location, HTTP)).kind is kind


@pytest.mark.parametrize(
    ("status", "method", "next_method", "keeps"),
    [
        (301, "GET", "GET", False),
        (301, "POST", "GET", False),
        (301, "PUT", "PUT", False),
        (302, "POST", "GET", False),
        (302, "PUT", "GET", False),
        (303, "DELETE", "GET", False),
        (303, "HEAD", "HEAD", False),
        (307, "POST", "POST", True),
        (308, "PUT", "PUT", True),
    ],
)
def test_methods_and_bodies_are_kept_as_in_requests(
    status: int, method: str, next_method: str, keeps: bool
) -> None:
    assert redirects.method_after(status, method) == next_method
    assert redirects.keeps_body(status) is keeps


@pytest.mark.parametrize(
    ("same_origin", "with_body", "names"),
    [
        (True, True, [name for name, _ in ALL]),
        (True, False, ["Accept", "Authorization", "Cookie", "X-Token"]),
        (False, True, ["Accept", "Content-Type"]),
        (False, False, ["Accept"]),
    ],
)
def test_what_could_be_a_credential_goes_to_no_other_origin(
    same_origin: bool, with_body: bool, names: list[str]
) -> None:
    kept = redirects.headers_after(ALL, same_origin=same_origin, with_body=with_body)
    assert [name for name, _ in kept] == names


@pytest.mark.parametrize(
    ("status", "url", "may_cross", "is_refused"),
    [
        (307, "http://a.test/other", False, False),
        (307, "https://a.test/", False, True),
        (308, "http://a.test:81/", False, True),
        (307, "http://b.test/", False, True),
        (307, "http://b.test/", True, False),
        (302, "http://b.test/", False, False),
    ],
)
def test_a_body_goes_to_another_origin_only_if_it_may(
    status: int, url: str, may_cross: bool, is_refused: bool
) -> None:
    http = Http(cross_origin_bodies=may_cross)
    target = target_of(url, 8192)
    if is_refused:
        failure = failed(lambda: redirects.require_body_may_go(status, SOURCE, target, http))
        assert failure.kind is ErrorKind.BLOCKED_BODY
        assert f"redirected ({status}) to another origin, {target.host}" in failure.message
    else:
        redirects.require_body_may_go(status, SOURCE, target, http)
