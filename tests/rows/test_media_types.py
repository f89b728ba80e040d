"""Extensions of bodies, by content type and URL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.rows.media_types import EXTENSIONS, UNKNOWN, extension_of, without_extension

URL = "http://a.test"
DIGEST = "ab12" + "0" * 60


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("text/html", ".html"),
        ("Text/HTML; charset=utf-8", ".html"),
        (" image/jpeg ;q=1", ".jpg"),
        ("image/jpg", ".jpg"),
        ("image/png, image/png", ".png"),
        ("application/pdf", ".pdf"),
        ("application/json", ".json"),
        ("application/problem+json", ".json"),
        ("application/rss+xml; charset=x", ".xml"),
        ("image/svg+xml", ".svg"),
        ("text/plain", ".txt"),
        ("text/x-never-seen", ".txt"),
        ("application/never-seen", UNKNOWN),
        ("application/x-sh+../../etc", UNKNOWN),
        ("../../x", UNKNOWN),
        ("image/../../x.png", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_the_content_type_says_the_extension(content_type: str | None, extension: str) -> None:
    assert extension_of(content_type, None) == extension


@pytest.mark.parametrize(
    ("url", "extension"),
    [
        ("/a.pdf", ".pdf"),
        ("/a.PDF?x=/b.zip#/c.png", ".pdf"),
        ("/a.jpeg", ".jpg"),
        ("/b.d/c.tar.gz", ".gz"),
        ("/setup.exe", ".exe"),
        ("/a.php", UNKNOWN),
        ("/a.pdf/", UNKNOWN),
        ("/.pdf", UNKNOWN),
        ("/a.", UNKNOWN),
        ("?x=/a.pdf", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_where_the_type_says_nothing_the_url_says_it(url: str, extension: str) -> None:
    for content_type in (None, "", "application/octet-stream", "Binary/Octet-Stream", "x/unheard"):
        assert extension_of(content_type, URL + url) == extension, content_type


def test_a_type_that_says_something_is_believed() -> None:
    assert extension_of("text/html", f"{URL}/a.jpg") == ".html"
    assert extension_of("text/plain", f"{URL}/a.csv") == ".txt"
    assert extension_of("text/x-unheard", f"{URL}/a.csv") == ".csv"


def test_the_host_is_not_taken_for_a_file_name() -> None:
    for url in ("http://name.zip", "http://name.zip/", "http://name.zip?a", "name.zip"):
        assert extension_of(None, url) == UNKNOWN


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_whatever_a_server_sends_the_extension_is_one_of_the_table(
    content_type: str | None, url: str | None
) -> None:
    for vague in (content_type, None):
        assert extension_of(vague, url) in EXTENSIONS
        assert extension_of(vague, f"{URL}/{url}") in EXTENSIONS


def test_a_known_extension_is_taken_off_a_name() -> None:
    assert [without_extension(name) for name in ("a.JPEG", "a.tar.gz")] == ["a", "a.tar"]
    for name in ("v1.2", "a.php", ".zip", "..zip", "zip", ""):
        assert without_extension(name) == name
