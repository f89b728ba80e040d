"""What a user's function may return, and what becomes of anything else."""

from __future__ import annotations

import os.path
from typing import Any

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError
from fetcher.frontier.links import Via
from fetcher.model import Outcome, Result
from fetcher.roles.worker import handler

ROW = Result(1, "http://a.test/x", Outcome.OK, 200, "http://a.test/y/")


def rejected(value: Any, *, in_crawl: bool = False) -> Exception:
    with pytest.raises(handler._RejectedError) as caught:
        handler._accepted(value, ROW, in_crawl=in_crawl)
    assert caught.value.kind is ErrorKind.HANDLER_BAD_RESULT
    assert isinstance(caught.value.error, Exception)
    return caught.value.error


@pytest.mark.parametrize(
    ("value", "extra"), [(None, None), ({}, {}), ({"a": [1, None]}, {"a": [1, None]})]
)
def test_a_dict_or_nothing_goes_into_the_row(value: Any, extra: Any) -> None:
    assert handler._accepted(value, ROW, in_crawl=False) == (extra, [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1], "it returned a list; return a dict or None"),
        ("text", "it returned a str; return a dict or None"),
    ],
)
def test_another_value_is_the_rows_failure(value: Any, said: str) -> None:
    assert str(rejected(value)) == said


def test_a_value_that_is_too_large_says_how_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_MAX_BYTES", 9)
    assert handler._checked({"a": 123}) == {"a": 123}
    with pytest.raises(ValueError, match=r"it returned 10 bytes of JSON; 9 is the most"):
        handler._checked({"a": 1234})


def test_links_are_taken_in_a_crawl_alone() -> None:
    value = {"links": ["z", "http://b.test/"], "extra": {"n": 1}}
    extra, links = handler._accepted(value, ROW, in_crawl=True)
    assert extra == {"n": 1}
    assert [link.url for link in links] == ["http://a.test/y/z", "http://b.test/"]
    assert {link.via for link in links} == {Via.HANDLER}
    assert handler._accepted(value, ROW, in_crawl=False) == (value, [])


def test_the_extra_of_a_value_with_links_is_judged_as_any_other() -> None:
    said = str(rejected({"links": [], "extra": [1]}, in_crawl=True))
    assert said == "it returned a list; return a dict or None"


def test_an_object_whose_methods_raise_is_the_rows_failure() -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("broken")

    assert "broken" in str(rejected(Broken(a=1)))


def test_a_name_that_is_not_a_function_is_refused() -> None:
    assert handler._load("os.path:join") is os.path.join  # type: ignore[comparison-overlap]
    with pytest.raises(ConfigError, match=r"worker\.handler = 'os:sep': is not a function"):
        handler._load("os:sep")
