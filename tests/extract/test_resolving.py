"""Links become URLs as the standard says, whether by the short way or by the library."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.extract.resolving import Resolver

BASES = (
    "http://h/",
    "https://h.example:8080/a/b/c.html?q=1/2#f",
    "http://[::1]/a%20b/",
    "http://user:pw@h/a;b/c",
    "http://h/?a",
)
_TEXTS = st.text("abcZ09/?#.:%&=;@\\[]|~ \t\n'\"<>^{}`-_2eE\u00e4\u4e2d", max_size=20)


def by_the_library(base: str, text: str) -> str | None:
    url = web_urls.resolved(base, text)
    is_web = url is not None and url.startswith(("http://", "https://"))
    return url.partition("#")[0] if url is not None and is_web else None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(BASES), _TEXTS | _TEXTS.map(lambda text: "http://h" + text))
@example(BASES[0], "")
@example(BASES[1], "?x")
@example(BASES[1], "..")
@example(BASES[1], "a:b")
@example(BASES[1], "x#a b")
@example(BASES[1], "/%2E%2e/x")
@example(BASES[1], "http://h/x #y")
def test_a_link_resolves_as_the_library_does_it(base: str, text: str) -> None:
    assert Resolver(base).url(text) == by_the_library(base, text)


@pytest.mark.parametrize("text", ["/a/b?x=1", "b.html", "?x=1", "http://o/x", "a//b;c?d=/e"])
def test_a_plain_link_does_not_need_the_library(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = by_the_library(BASES[1], text)
    monkeypatch.setattr(web_urls, "resolved", lambda *_: None)
    assert Resolver(BASES[1]).url(text) == expected


def test_a_query_is_encoded_as_the_page_is() -> None:
    resolver = Resolver("http://h/d/", "windows-1252")
    assert resolver.url("\u00e4?\u00e4='\u20ac&\u4e2d#\u00e4") == (
        "http://h/d/%C3%A4?%E4=%27%80&%26%2320013%3B"
    )
    assert resolver.url("?\u00e4\n\u00e4") == "http://h/d/?%E4%E4"
    assert Resolver("http://h/", "gb18030").url("?\u4e2d") == "http://h/?%D6%D0"


@pytest.mark.parametrize("up", [0, 1, 2, 3, 64, 65, 500])
@pytest.mark.parametrize(
    "base", ["http://h.test/", "http://h.test/a//b/c?x#y", "http://h.test:8080/a"]
)
def test_folders_above_are_those_of_the_standard(base: str, up: int) -> None:
    text = "../" * up + "p.html?q=1#f"
    url = web_urls.resolved(base, text)
    assert url is not None
    assert Resolver(base).url(text) == url.partition("#")[0]
    assert Resolver(base).url("../../p") == web_urls.resolved(base, "../../p")


_PATHS = st.text("ab./", max_size=8) | st.sampled_from(["../a", "/a", "a/b", "../a/b.html"])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(BASES), st.lists(_PATHS, max_size=5))
@example(BASES[1], ["../a", "..", "../.."])
@example(BASES[1], ["../a", "../../a", ".a"])
@example(BASES[0], ["../a", "a", ""])
@example(BASES[1], ["../", "/", "a/.", "a."])
def test_paths_of_one_page_resolve_as_the_library_does_it(base: str, texts: list[str]) -> None:
    assert Resolver(base).urls(texts) == [by_the_library(base, text) for text in texts]


def test_texts_of_one_page_are_resolved_together_as_one_by_one() -> None:
    texts = [
        *("../a", "../../a/b", "../" * 70 + "a", "../", "..", "../.", "a../b", "/a", "//h/a", "/"),
        *("a", "./a", "a/../b", "?q=1", "../?q", "#x", "a#x", "a:b", "a\nb", "é", "/a b", ""),
        *("http://h.example/x", "mailto:a@b", "/%2e/a", "/a//b", "..//a", "../#x", "x?y=/../z"),
    ]
    base = "http://h.example/one/two/three.html?q"
    paths = ["a", "a/", "/", "/a", "../a.b", "../../a/b", "a..b/c.", "../" * 70 + "a", "/a~/;=1"]
    for some in (texts, [text for text in texts if "\n" not in text], paths, paths[:-2], []):
        one_by_one = [web_urls.resolved(base, text) for text in some]
        wanted = [
            url.partition("#")[0] if url and url.startswith("http") else None for url in one_by_one
        ]
        assert Resolver(base).urls(some) == wanted


_FROM = st.sampled_from(["../", "/", "", "../../", "//", "./", "?"])
_SIMPLE = st.lists(st.text("ab-", min_size=1, max_size=3), min_size=1, max_size=6, unique=True)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(BASES), _FROM, _SIMPLE, st.lists(_PATHS, max_size=1))
@example(BASES[0], "../", ["a"], ["a"])
@example(BASES[1], "", ["a", "b"], [""])
@example(BASES[1], "/", ["a"], ["//h"])
def test_simple_paths_from_one_place_are_one_text(
    base: str, start: str, ends: list[str], others: list[str]
) -> None:
    texts = list(dict.fromkeys([*(start + end for end in ends), *others]))
    found = Resolver(base).simple_text(texts)
    if not others and start in ("../", "/", ""):
        assert found is not None
    if found is not None:
        text, most_chars = found
        urls = [by_the_library(base, each) for each in texts]
        assert text == "".join(f"{url}\n" for url in urls)
        assert len(set(urls)) == len(urls)
        assert max(len(url or "") for url in urls) <= most_chars
