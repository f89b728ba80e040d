"""The request for the target of a redirect, which is a line of its own in a crawl."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher.frontier.links import LinkRequest
from fetcher.model import Outcome, Result, Task
from fetcher.roles.worker.redirect_request import request_after

FROM = "http://a.test/x"
POST = Task(1, FROM, method="POST", body=b"b", headers=(("Authorization", "s"), ("X", "1")))


def after(status: int, task: Task, to: str = "http://a.test/y", *, body: bool = True) -> object:
    result = Result(1, task.url, Outcome.OK, status, FROM)
    return request_after(replace(result, location=to), task, may_take_body=body)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_plain_get_stays_one(status: int) -> None:
    assert after(status, Task(1, FROM)) is None


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task(1, FROM, id=7), LinkRequest(id=7)),
        (Task(1, FROM, route="list"), LinkRequest(route="list")),
        (Task(1, FROM, method="HEAD"), LinkRequest("HEAD")),
    ],
)
def test_the_id_route_and_method_of_the_line_go_with_it(task: Task, expected: LinkRequest) -> None:
    assert after(302, task) == expected


@pytest.mark.parametrize(
    ("status", "to", "may_cross", "expected"),
    [
        (302, "http://a.test/y", True, LinkRequest("GET", headers=POST.headers)),
        (307, "http://a.test/y", False, LinkRequest("POST", "", POST.headers, b"b")),
        (307, "http://b.test/y", True, LinkRequest("POST", "", (), b"b")),
        (307, "http://b.test/y", False, LinkRequest("POST")),
        (308, "https://a.test/y", True, LinkRequest("POST", "", (), b"b")),
        (308, "http://a.test:81/y", True, LinkRequest("POST", "", (), b"b")),
    ],
)
def test_method_headers_and_body_are_kept_as_where_a_redirect_is_followed(
    status: int, to: str, may_cross: bool, expected: LinkRequest
) -> None:
    assert after(status, POST, to, body=may_cross) == expected


def test_the_origin_is_that_of_the_page_that_redirects() -> None:
    moved = Result(1, FROM, Outcome.OK, 302, "http://b.test/")
    task = replace(POST, method="GET", body=None)
    request = request_after(replace(moved, location="http://a.test/y"), task, may_take_body=True)
    assert request == LinkRequest(), "its headers were left out on the way to b.test already"
