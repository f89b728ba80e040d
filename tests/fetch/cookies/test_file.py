"""A file of cookies in the browsers' format, and what is said about a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import ConfigError
from fetcher.fetch.cookies import file
from fetcher.fetch.cookies.jar import Cookie


def cookies_of(tmp_path: Path, text: str) -> list[Cookie]:
    path = tmp_path / "cookies.txt"
    path.write_text(text, "utf-8")
    return list(file.load(path))


def cookie(**said: object) -> Cookie:
    plain = Cookie("a", "b", "x.test", True, "/", False, None)
    return plain._replace(**said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x.test\tFALSE\t/\tFALSE\t0\ta\tb", cookie()),
        ("x.test\tTRUE\t/\tFALSE\t0\ta\tb", cookie(is_host_only=False)),
        (".x.test\tFALSE\t/\tFALSE\t0\ta\tb", cookie(is_host_only=False)),
        ("X.Test\tfalse\t/p\ttrue\t0\ta\tb", cookie(path="/p", is_secure=True)),
        ("#HttpOnly_x.test\tFALSE\t/\tFALSE\t0\ta\tb", cookie()),
        ("x.test\tFALSE\t/\tFALSE\t\ta\tb", cookie()),
        ("x.test\tFALSE\t/\tFALSE\t12.9\ta\tb", cookie(expires=12.0)),
        ("x.test\tFALSE\t/\tFALSE\t1e3\ta\tb", cookie(expires=1000.0)),
        ("x.test\tFALSE\t/\tFALSE\t0\ta\tb c=d", cookie(value="b c=d")),
        ("x.test\tFALSE\t/\tFALSE\t0\t\tb", cookie(name="")),
        ("x.test\tFALSE\t/\tFALSE\t0\ta\tö", cookie(value="\xc3\xb6")),
        ("bücher.test\tFALSE\t/\tFALSE\t0\ta\tb", cookie(domain="xn--bcher-kva.test")),
        ("localhost\tTRUE\t/\tFALSE\t0\ta\tb", cookie(domain="localhost")),
        ("127.0.0.1\tTRUE\t/\tFALSE\t0\ta\tb", cookie(domain="127.0.0.1")),
        ("[::1]\tFALSE\t/\tFALSE\t0\ta\tb", cookie(domain="::1")),
    ],
)
def test_each_field_of_a_line_is_read(tmp_path: Path, line: str, expected: Cookie) -> None:
    assert cookies_of(tmp_path, f"{line}\n") == [expected]
    assert cookies_of(tmp_path, f"{line}\r\n") == [expected]


def test_comments_empty_lines_and_a_byte_order_mark_are_skipped(tmp_path: Path) -> None:
    text = "\ufeff# Netscape HTTP Cookie File\n\n  \n$Version\nx.test\tFALSE\t/\tFALSE\t0\ta\tb"
    assert cookies_of(tmp_path, text) == [cookie()]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("example.com TRUE / FALSE 0 a b", "1 fields between tabs"),
        ("a.test\tTRUE\t/\tFALSE\t0\ta\tb\tc", "8 fields between tabs"),
        ("a.test\tYES\t/\tFALSE\t0\ta\tb", "'YES' is neither TRUE nor FALSE"),
        ("a.test\tTRUE\t/\t1\t0\ta\tb", "'1' is neither TRUE nor FALSE"),
        ("a.test\tTRUE\tx\tFALSE\t0\ta\tb", "does not begin with /"),
        ("a.test\tTRUE\t/\tFALSE\tsoon\ta\tb", "'soon' is not a Unix time"),
        ("a.test\tTRUE\t/\tFALSE\tinf\ta\tb", "'inf' is not a Unix time"),
        ("a.test\tTRUE\t/\tFALSE\t0\ta\tb\x00", "a control character"),
        (".\tTRUE\t/\tFALSE\t0\ta\tb", "'.' is not a domain"),
        ("http://a.test/\tTRUE\t/\tFALSE\t0\ta\tb", "is not a domain"),
    ],
)
def test_a_broken_file_is_reported_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(f"# comment\n\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        file.load(path)
    assert str(caught.value).startswith(f"http.cookies_file: {path}, line 3: ")
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        file.load(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not valid UTF-8"):
        file.load(tmp_path / "bad")
    with pytest.raises(ConfigError, match=r"at byte 2\)"):
        (tmp_path / "bad").write_bytes(b"ab\xff")
        file.load(tmp_path / "bad")


def test_an_error_does_not_show_the_cookie(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        cookies_of(tmp_path, "x.test\tFALSE\t/\tFALSE\tsoon\tsid\thunter2")
    assert "hunter2" not in str(caught.value)
