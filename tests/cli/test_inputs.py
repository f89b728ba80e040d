"""Which arguments are files, and which are URLs."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from fetcher.cli.inputs import (
    INPUT,
    name_of,
    one_file,
    one_input,
    require_csv,
    require_file,
    require_url,
)
from fetcher.errors import UsageError
from fetcher.settings import load
from fetcher.settings.load import Loaded

MAX_BYTES = 8192


@pytest.mark.parametrize(
    ("text", "is_url"),
    [
        ("https://example.org/", True),
        ("HTTP://example.org", True),
        ("https:example.org", True),
        ("ftp://example.org/", True),
        (" https://example.org/", True),
        ("urls.txt", False),
        ("https.txt", False),
        ("dir/https://x", False),
        ("C:urls", False),
        ("-", False),
    ],
)
def test_what_has_a_scheme_is_a_url_and_all_else_a_file(text: str, is_url: bool) -> None:
    argument = click.Argument(["given"], type=INPUT)
    found = argument.type_cast_value(click.Context(click.Command("run")), text)
    assert found == (text.strip() if is_url else Path(text))


def test_one_file_or_urls_and_no_mixture() -> None:
    assert one_input([Path("a")]) == Path("a")
    assert one_input(["http://a", "http://b"]) == ["http://a", "http://b"]
    with pytest.raises(UsageError, match=r"^a is a file, and http://…@b/ is a URL"):
        one_input(["http://me:s3cret@b/", Path("a")])
    with pytest.raises(UsageError, match=r"^a and b: a job has one file of URLs"):
        one_input([Path("a"), Path("b")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("example.org/a", r"no scheme: .* \(did you mean https://example.org/a\?\)$"),
        ("localhost:80", r"\(did you mean https://localhost:80\?\)$"),
        ("www.example.org", r"\(did you mean https://www.example.org\?\)$"),
        ("foo bar", "^foo bar: no scheme: write http:// or https:// in front$"),
        ("a b.org", "in front$"),
        ("ftp://example.org/", "'ftp' cannot be fetched"),
        ("http://[::1/", "is missing$"),
        ("http://me:s3cret@a/", "^http://…@a/: a user name or password"),
        ("http://a/\n", "control character"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_a_guess_at_what_was_meant(
    text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        require_url(text, MAX_BYTES)
    require_url("https://example.org/a b", MAX_BYTES)


def test_a_missing_file_whose_name_is_a_host_is_taken_for_a_mistyped_url(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean https://www.example.co.uk/x\?"):
        require_file(Path("www.example.co.uk/x"), MAX_BYTES)
    for name in ("127.0.0.1:8000/x", "localhost:8000", "localhost/x"):
        with pytest.raises(UsageError, match=f"did you mean http.?://{name}"):
            require_file(Path(name), MAX_BYTES)
    for name in ("urls.txt", "links.csv", "dir.txt/urls", "co.uk", "2026.11.28", "1.2"):
        require_file(Path(name), MAX_BYTES)
    require_file(tmp_path, MAX_BYTES)
    with pytest.raises(UsageError) as caught:
        require_file(Path("a.com/" * 900), MAX_BYTES)
    assert len(str(caught.value)) < 600
    for name in ("a" * 9000, "urls.txt" * 900):
        require_file(Path(name), MAX_BYTES)


def test_a_url_in_place_of_a_file_is_refused_without_its_password() -> None:
    assert one_file(Path("urls.txt")) == Path("urls.txt")
    with pytest.raises(UsageError, match=r"^https://…@a.test/: is a URL; write it to a file"):
        one_file("https://ann:secret@a.test/")


def given(**values: tuple[str, str]) -> Loaded:
    """Settings of [input] with these values and origins."""
    return load.load(environ={}, overrides={f"input.{key}": of for key, of in values.items()})


def test_column_is_refused_for_json_lines_unless_the_format_is_given_too() -> None:
    column = ("link", "--column")
    for name in ("u.jsonl", "u.ndjson.gz"):
        said = f"^--column: is for CSV, and {name} is a file of JSON lines"
        with pytest.raises(UsageError, match=said):
            require_csv(Path(name), given(url_column=column))
    require_csv(Path("u.jsonl"), given(url_column=column, format=("csv", "--set input.format")))
    require_csv(Path("u.jsonl"), given(url_column=("link", "my.toml")))
    require_csv(Path("u.jsonl"), given())
    require_csv(Path("u.txt"), given(url_column=column))


def test_urls_have_a_name_that_people_can_read() -> None:
    assert name_of(["a"]) == "1 URL of the command line"
    assert name_of(["a"] * 2000) == "2,000 URLs of the command line"
