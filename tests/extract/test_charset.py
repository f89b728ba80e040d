"""The charset of a page, by the rules of the HTML standard."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.extract import charset

GERMAN = "<p>\u00e4".encode("cp1252")
UTF8 = "<p>\u00e4\u4e2d".encode()


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"<p>", None, "utf-8"),
        (UTF8, None, "utf-8"),
        (GERMAN, None, "windows-1252"),
        (GERMAN, "text/html", "windows-1252"),
        (GERMAN, "text/html; Charset = 'Latin1'", "windows-1252"),
        (UTF8, "text/html; charset=koi8-r", "koi8-r"),
        (UTF8, "text/html; charset=nonsense", "utf-8"),
        (GERMAN, "text/html; charset=utf-8", "utf-8"),
        (b"<meta charset=koi8-r>", "text/html; charset=windows-1251", "windows-1251"),
        (codecs.BOM_UTF8 + b"<meta charset=koi8-r>", "text/html; charset=koi8-r", "utf-8"),
        (codecs.BOM_UTF16_LE + b"<\0", None, "utf-16-le"),
        (codecs.BOM_UTF16_BE + b"\0<", None, "utf-16-be"),
        (b"<meta charset=koi8-r>", None, "koi8-r"),
        (b"<META\nCHARSET = ' koi8-r '>", None, "koi8-r"),
        (b"<meta charset=koi8-r/>", None, "utf-8"),
        (b"<meta http-equiv=content-type content='text/html; charset=koi8-r'>", None, "koi8-r"),
        (b"<meta content='charset = \"koi8-r\"' http-equiv=Content-Type>", None, "koi8-r"),
        (b"<meta content='text/html; charset=koi8-r'>", None, "utf-8"),
        (b"<!-- <meta charset=koi8-r> --><p>", None, "utf-8"),
        (b"<!--><meta charset=koi8-r>", None, "koi8-r"),
        (b"<a title='<meta charset=koi8-r>'><p>", None, "utf-8"),
        (b"<metacharset=koi8-r>", None, "utf-8"),
        (b"<meta charset=nonsense><meta charset=koi8-r>", None, "koi8-r"),
        (b"<meta charset=utf-16le>", None, "utf-8"),
        (b"<meta charset=x-user-defined>", None, "windows-1252"),
        (b"<meta charset=iso-2022-kr>", None, "utf-8"),
        (b"<meta charset=gb2312>", None, "gb18030"),
        (b"<!doctype html>\n<html lang=de><head>\n<meta charset='UTF-8'/>\xff", None, "utf-8"),
        (b"<HTML class='a b'><meta charset=utf-8><meta charset=koi8-r>", None, "utf-8"),
        (b"<meta charset=utf-8/>\xff", None, "windows-1252"),
        (b"<meta charset=utf-8x>\xff", None, "windows-1252"),
        (b"<html x='><meta charset=utf-8>'><meta charset=koi8-r>", None, "koi8-r"),
        (b"<html x=a'b c='><meta charset=utf-8>'><meta charset=koi8-r>", None, "koi8-r"),
        (b"<html x= ><meta charset=utf-8>\xff", None, "utf-8"),
        (b"<headers><meta charset=utf-8>\xff", None, "utf-8"),
        (b"<meta charset=shift_jis>", None, "cp932"),
        (b" " * 1024 + b"<meta charset=koi8-r>", None, "utf-8"),
    ],
)
def test_the_charset_is_found(body: bytes, content_type: str | None, expected: str) -> None:
    found = charset.encoding_of(body, content_type)
    assert codecs.lookup(found).name == codecs.lookup(expected).name


def test_a_character_that_is_cut_at_the_end_is_accepted() -> None:
    assert charset.encoding_of(UTF8[:-1], None, is_whole=False) == "utf-8"
    assert charset.encoding_of(UTF8[:-1], None) == "windows-1252"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"a{}", None, "utf-8"),
        (b'@charset "koi8-r";', None, "koi8-r"),
        (b'@charset "koi8-r";', "text/css; charset=windows-1251", "windows-1251"),
        (b'@charset "utf-16";', None, "utf-8"),
        (b"@charset 'koi8-r';", None, "utf-8"),
        (GERMAN, None, "utf-8"),
    ],
)
def test_a_style_sheet_has_its_own_rule(
    body: bytes, content_type: str | None, expected: str
) -> None:
    found = charset.encoding_of_sheet(body, content_type)
    assert codecs.lookup(found).name == codecs.lookup(expected).name


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (GERMAN, "windows-1252", "<p>\u00e4"),
        (codecs.BOM_UTF8 + UTF8, "utf-8", UTF8.decode()),
        (b"\xef\xbb\xbf\xef\xbb\xbf\xc3\xa4", "utf-8", "\ufeff\u00e4"),
        (b"a\xffb", "utf-8", "a\ufffdb"),
        (b"\xc3\xa4\xc3", "utf-8", "\u00e4\ufffd"),
        (b"\xed\xa0\x80", "utf-8", "\ufffd\ufffd\ufffd"),
        ("\ufeffx\ud800".encode("utf-16-le", "surrogatepass"), "utf-16-le", "x\ufffd"),
    ],
)
def test_any_page_is_decoded_without_its_mark(body: bytes, encoding: str, expected: str) -> None:
    assert charset.decoded(body, encoding) == expected


@settings(deadline=None)  # a charset's table is loaded when it is first named
@given(st.binary(max_size=300), st.none() | st.text(max_size=40))
def test_any_bytes_have_a_charset_and_a_text(body: bytes, content_type: str | None) -> None:
    for encoding in (
        charset.encoding_of(body, content_type),
        charset.encoding_of_sheet(body, content_type),
    ):
        charset.decoded(body, encoding).encode()
