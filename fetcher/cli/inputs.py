"""Reads the arguments that say what to fetch: a file, a pipe, or URLs.

An argument with a scheme is a URL. A URL that can never be fetched is refused here, before a job
begins. Messages never show a password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from fetcher.cli.options import without_secret
from fetcher.engines.paths import require_path
from fetcher.errors import InputError, UsageError
from fetcher.fetch import urls
from fetcher.fetch.cookies.public_suffixes import is_known_domain
from fetcher.humanize import number, shortened
from fetcher.input.detect import kind_of
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Http

_URL: Final = re.compile(r"(?i)\s*(https?:|[a-z][a-z0-9+.-]*://)")
_ADDRESS_PARTS: Final = 4
_SHOWN_CHARS: Final = 200  # of an argument in a message


class _Input(click.Path):
    """A URL as text, or the path of a file."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        text = os.fspath(value)
        if _URL.match(text):
            return text.strip()
        require_path(text, param.get_error_hint(ctx))
        return Path(text)


INPUT = _Input()


def one_input(given: Sequence[str | Path]) -> Path | list[str]:
    """The file or the URLs. Raises UsageError for files and URLs together, or several files."""
    found = [each for each in given if isinstance(each, str)]
    files = [each for each in given if isinstance(each, Path)]
    if found and files:
        raise UsageError(
            f"{files[0]} is a file, and {without_secret(found[0])} is a URL; name one file, or "
            "only URLs"
        )
    if len(files) > 1:
        raise UsageError(
            f"{files[0]} and {files[1]}: a job has one file of URLs; "
            "join them: cat FILE FILE | fetcher run - -o OUT"
        )
    return found or files[0]


def require_url(text: str, max_bytes: int) -> None:
    """Raises UsageError if the text is not a URL that can be fetched."""
    try:
        urls.target_of(text, max_bytes)
    except urls.NoUrlError as error:
        raise UsageError(f"{_shown(text)}: {error}{_suggestion(text, max_bytes)}") from error


def require_file(path: Path, max_url_bytes: int) -> None:
    """Raises UsageError if there is no such file, and the text looks like a URL without scheme."""
    text = str(path)
    host = re.split(r"[/:?#]", text, maxsplit=1)[0].lower()
    if not is_there(path) and _is_host(host):
        raise UsageError(
            f"{_shown(text)}: there is no such file, and a URL needs a scheme"
            f"{_suggestion(text, max_url_bytes)}"
        )


def _is_host(name: str) -> bool:
    is_address = len(name.split(".")) == _ADDRESS_PARTS and name.replace(".", "").isdigit()
    return name == "localhost" or is_address or is_known_domain(name)


def require_there(
    _context: click.Context, _argument: click.Parameter, given: tuple[str | Path, ...]
) -> tuple[str | Path, ...]:
    """A callback of click: a missing file is reported before a missing option."""
    if len(given) == 1 and isinstance(given[0], Path) and str(given[0]) != "-":
        require_file(given[0], Http().max_url_bytes)
        if not is_there(given[0]):
            raise InputError(f"{given[0]}: there is no such file; name a file of URLs, one a line")
    return given


def one_file(given: str | Path) -> Path:
    """The file. Raises UsageError for a URL."""
    if isinstance(given, Path):
        return given
    raise UsageError(
        f"{_shown(given)}: is a URL; write it to a file, one URL a line, and name that file"
    )


def require_csv(path: Path, given: Loaded) -> None:
    """Raises UsageError if --column is given for a file that is JSON lines by its name."""
    is_column_given = given.origins.get("input.url_column") == "--column"
    if is_column_given and "input.format" not in given.origins and kind_of(path) == "jsonl":
        raise UsageError(
            f"--column: is for CSV, and {path} is a file of JSON lines by its name, whose key for "
            "the URL is always url; leave --column out, or say --set input.format=csv"
        )


def is_there(path: Path) -> bool:
    """Whether there is such a file or directory; False for a text that cannot be a path."""
    try:
        return path.exists()
    except OSError:
        return False


def _suggestion(text: str, max_bytes: int) -> str:
    """A suggestion for a text without a scheme; may be ""."""
    whole = f"https://{text}"
    if urls.scheme_of(text) is not None or not re.search(r"\.|localhost", text):
        return ""
    try:
        urls.target_of(whole, max_bytes)
    except urls.NoUrlError:
        return ""
    return f" (did you mean {_shown(whole)}?)"


def _shown(text: str) -> str:
    return shortened(without_secret(text), _SHOWN_CHARS)


def name_of(found: Sequence[str]) -> str:
    """A name for the URLs as the input of a job."""
    return f"{number(len(found))} URL{'s' if len(found) > 1 else ''} of the command line"
