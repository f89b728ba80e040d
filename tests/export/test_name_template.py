"""`--filename`: valid templates, and the names they make of hostile rows."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fetcher.errors import UsageError
from fetcher.export.name_template import DEFAULT, Named, NameTemplate
from fetcher.input.formats import TEXT, LineFormat
from fetcher.model import Outcome, Result
from fetcher.rows.media_types import EXTENSIONS
from support import outs

CSV = outs.csv_format("url", "page", "id")
JSONL = LineFormat("jsonl")
DIGEST = "ab" * 32
ROW = Result(
    12,
    "https://img.example.com:8443/a/b%20c/Cat.JPEG?size=2#top",
    Outcome.OK,
    200,
    final_url="https://cdn.example.net/x.png",
    content_type="image/jpeg",
    id="no. 7",
    columns={"page": "/about"},
)


def path(template: str, row: Result = ROW, of: LineFormat = CSV, number: int = 1) -> str:
    return NameTemplate(template, of).path(Named(row, DIGEST)).written(number, 0)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        (DEFAULT, "00000012.jpg"),
        ("{line}{ext}", "12.jpg"),
        ("{line:3}.txt", "012.txt"),
        ("{id}{ext}", "no. 7.jpg"),
        ("{host}/{path}{ext}", "img.example.com_8443/a_b c_Cat.jpg"),
        ("{host}/{name}{ext}", "img.example.com_8443/Cat.jpg"),
        ("{column:page}/{status}-{outcome}{ext}", "_about/200-ok.jpg"),
        ("{sha256}", DIGEST),
        ("a{{b}}.x", "a{b}.x"),
        ("plain", "plain"),
    ],
)
def test_each_placeholder_is_filled_from_the_row(template: str, made: str) -> None:
    assert path(template) == made


@pytest.mark.parametrize(
    ("url", "name", "whole"),
    [
        ("http://a.test", "index", "index"),
        ("http://a.test/", "index", "index"),
        ("http://a.test/?q=1", "index", "index"),
        ("http://a.test/a/b/", "b", "a_b"),
        ("http://a.test/a/x.php", "x.php", "a_x.php"),
        ("http://a.test/a/x.tar.gz", "x.tar", "a_x.tar"),
        ("http://a.test/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd", "_._.._etc_passwd"),
        ("http://a.test/caf%C3%A9/%FF", "\N{REPLACEMENT CHARACTER}", "café_\ufffd"),
        ("HTTP:\\\\A.test\\x\\y.png", "y", "x_y"),
        ("http://a.test/.htaccess", "_htaccess", "_htaccess"),
    ],
)
def test_the_url_gives_its_path_and_its_last_part(url: str, name: str, whole: str) -> None:
    row = replace(ROW, url=url)
    assert path("{name}", row) == name
    assert path("{path}", row) == whole


def test_what_a_row_does_not_have_is_an_underscore() -> None:
    bare = Result(1, "no url", Outcome.OK)
    assert path("{id}-{column:page}-{status}-{host}{ext}", bare) == "_-_-_-_.bin"


def test_the_second_of_a_name_gets_a_number_before_the_ending() -> None:
    assert path("{name}{ext}", number=2) == "Cat-2.jpg"
    assert path("{name}.thumb.png", number=3) == "Cat.thumb-3.png"
    assert path("{name}", number=2) == "Cat-2"
    assert path("{column:page}/{name}{ext}", number=2) == "_about/Cat-2.jpg"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{nme}{ext}", "there is no {nme} (did you mean name?); there are {line}, {line:8}, {id}"),
        ("{}", "there is no {}; there are"),
        ("{line.real}", "there is no {line.real}"),
        ("{url}", "there is no {url}"),
        ("{ext:3}", "there is no {ext:3}"),
        ("{line:x}", "{line:x} is not known: write the number of digits"),
        ("{line:0}", "{line:0} is not known"),
        ("{line:99}", "{line:99} is not known"),
        (f"{{line:{'9' * 5000}}}", "is not known"),
        ("{line:{id}}", "is not known"),
        ("{line[0]}", "there is no {line[0]}"),
        ("{a{b}}", "--filename"),
        ("{line!r}", "{line!r} is not known"),
        ("{line", "expected '}'"),
        ("a}", "a brace itself is {{ or }}"),
        ("{column:pgae}", "there is no column 'pgae' (did you mean page?); there are page"),
        ("/{line}", "is a path below the folder"),
        ("{line}/", "is a path below the folder"),
        ("a//{line}", "is a path below the folder"),
        ("../{line}", "is a path below the folder"),
        ("a/./{line}", "is a path below the folder"),
        ("", "is a path below the folder"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_there_is(template: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        NameTemplate(template, CSV)
    assert why in str(caught.value)
    assert str(caught.value).startswith("--filename")
    assert "\n" not in str(caught.value)


def test_what_no_row_of_this_input_has_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="the lines of this input have none"):
        NameTemplate("{id}", TEXT)
    with pytest.raises(UsageError, match=r"its rows have no columns; input.keep_columns"):
        NameTemplate("{column:page}", JSONL)
    NameTemplate("{id}", JSONL)


HOSTILE = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(["..", "/", "\\", ".", "~", "\0", "C:", "%2e", "%2f", "CON"])).map(
        "".join
    ),
)
TEMPLATES = (
    DEFAULT,
    "{id}/{column:page}/{host}/{path}{ext}",
    "{id}",
    "{name}{ext}",
    "x{column:page}.{host}/{id}.gz",
)


@given(
    template=st.sampled_from(TEMPLATES),
    texts=st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
    number=st.integers(1, 10**9),
)
def test_nothing_that_a_row_says_leads_out_of_the_folder(
    template: str, texts: tuple[str, str, str, str], number: int
) -> None:
    id_, column, url, kind = texts
    for address in (url, f"http://a.test/{url}", f"http://{url}/"):
        row = replace(
            ROW, id=id_, columns={"page": column}, url=address, final_url=url, content_type=kind
        )
        made = path(template, row, number=number)
        parts = PurePosixPath(made).parts
        assert len(parts) == template.count("/") + 1
        assert "/".join(parts) == made
        assert not {"..", ".", ""} & set(parts)
        folder = Path("/folder")
        assert (folder / made).resolve().is_relative_to(folder)
        if template.endswith("{ext}"):
            assert PurePosixPath(made).suffix in EXTENSIONS
