"""Who is answered by the page, and who is not."""

from __future__ import annotations

from typing import Any

import pytest

from fetcher.watch.web.access import Access, Request, is_loopback

TOKEN = "a-token-of-enough-length"


def status(access: Access, **fields: Any) -> int:
    """The refusal's; 0 where there is none."""
    request = Request(**{"method": "GET", "host": "127.0.0.1:8899", **fields})
    refusal = access.refuse(request)
    return refusal.status.value if refusal else 0


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8899", "127.0.0.1:9", "LOCALHOST", "[::1]:8899", "box", "10.1.2.3:1", "page.test"],
)
def test_the_page_is_asked_by_an_address_or_a_name_of_ours(host: str) -> None:
    assert status(Access("127.0.0.1", 8899, "", ("box", "page.test")), host=host) == 0


@pytest.mark.parametrize(
    "host",
    ["", "evil.test:8899", "127.0.0.1.evil.test", "localhost.evil.test", "[evil]", ":", "\u0661.1"],
)
def test_another_name_that_leads_here_is_refused(host: str) -> None:
    for token in ("", TOKEN):
        access = Access("127.0.0.1", 8899, token)
        assert status(access, host=host, authorization=f"Bearer {TOKEN}") == 403


def test_a_token_is_wanted_of_every_request() -> None:
    access = Access("127.0.0.1", 8899, TOKEN)
    assert status(access) == 401
    assert status(access, authorization=f"Bearer {TOKEN}") == 0
    assert status(access, authorization=f"bearer  {TOKEN} ") == 0
    assert status(access, cookie=access.cookie) == 0
    assert TOKEN not in access.cookie
    wrong: list[dict[str, str]] = [
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer \udcff"},
        {"cookie": TOKEN},
        {"cookie": Access("127.0.0.1", 8899, "").cookie},
    ]
    for fields in wrong:
        assert status(access, **fields) == 401
    assert not Access("127.0.0.1", 8899, "").is_token("")


def test_a_request_that_changes_something_has_the_secret_and_comes_from_our_page() -> None:
    access = Access("127.0.0.1", 8899, "")
    ours = {"method": "POST", "word": access.word}
    assert status(access, **ours) == 0
    assert status(access, **ours, origin="http://127.0.0.1:8899", site="same-origin") == 0
    assert status(access, method="POST") == 403
    assert status(access, method="POST", word=Access("127.0.0.1", 8899, "").word) == 403
    assert status(access, **ours, origin="http://127.0.0.1:9999") == 403
    assert status(access, **ours, origin="null") == 403
    assert status(access, **ours, site="cross-site") == 403
    assert status(access, **ours, site="same-site") == 403
    assert status(Access("127.0.0.1", 8899, TOKEN), method="POST", word="x") == 401


def test_loopback_is_known_by_its_address_or_its_name() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.test"]))
