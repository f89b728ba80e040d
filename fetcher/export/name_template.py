"""`--filename`: the template for the names of exported bodies.

Only a `/` in the template itself makes a folder; values from rows or servers become parts of a
name. So no file can be outside the folder of the export.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote

from msgspec import UNSET

from fetcher import web_urls
from fetcher.errors import UsageError
from fetcher.export.columns import kept_names
from fetcher.export.safe_names import cleaned, file_name
from fetcher.input.formats import LineFormat
from fetcher.model import Result
from fetcher.rows.media_types import extension_of, without_extension
from fetcher.settings.suggest import guess

DEFAULT: Final = "{line:8}{ext}"
PLACEHOLDERS: Final = (
    *("line", "line:8", "id", "host", "path", "name", "sha256", "ext", "status", "outcome"),
    "column:NAME",
)
_COLUMN: Final = "column"
_EXT: Final = "ext"
_WITHOUT_NAME: Final = "index"  # for a URL without a path
_MAX_DIGITS: Final = 19
_ENDING: Final = re.compile(r"(.*)(\.[A-Za-z0-9]{1,12})", re.DOTALL)


class Named(NamedTuple):
    """The values for a name: the row, and the digest of the body."""

    row: Result
    sha256: str


class BodyPath(NamedTuple):
    """A path below the folder of the export; the last name is in two parts."""

    folders: tuple[str, ...]
    stem: str  # not yet made safe
    ending: str

    def written(self, number: int, room: int) -> str:
        """The path as text; `number`, from 1, distinguishes files of the same name.

        `room`: bytes that must stay free after the last name, below its maximum length.
        """
        mark = "" if number == 1 else f"-{number}"
        return "/".join((*self.folders, file_name(self.stem, mark + self.ending, room)))


_Piece = Callable[[Named], str]


class NameTemplate:
    """A checked template. Raises UsageError."""

    def __init__(self, text: str, of: LineFormat) -> None:
        """`of`: the format of the input, which determines the columns of rows."""
        *folders, last = _parts(text)
        self._folders = [[_piece(part, of) for part in folder] for folder in folders]
        self._ending: _Piece = lambda _: ""
        if isinstance(last[-1], _Field) and last[-1].name == _EXT:
            self._ending = _piece(last.pop(), of)
        elif isinstance(last[-1], str) and (found := _ENDING.fullmatch(last[-1])):
            stem, ending = found.groups()
            last[-1:] = [stem] if stem else []
            self._ending = lambda _: ending
        self._stem = [_piece(part, of) for part in last]

    def path(self, of: Named) -> BodyPath:
        """The path of the body's file."""
        folders = tuple(file_name(_joined(folder, of)) for folder in self._folders)
        return BodyPath(folders, _joined(self._stem, of), self._ending(of))


class _Field(NamedTuple):
    name: str
    argument: str


_Part = str | _Field


def _parts(text: str) -> list[list[_Part]]:
    """The texts and fields of each part of the template between two `/`."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"--filename {text!r}: {error}; a brace itself is {{{{ or }}}}") from error
    parts: list[list[_Part]] = [[]]
    for literal, name, argument, conversion in parsed:
        first, *others = literal.split("/")
        for number, words in enumerate((first, *others)):
            if number:
                parts.append([])
            if words:
                parts[-1].append(words)
        if name is not None:
            if conversion:
                raise UsageError(f"--filename {text!r}: {{{name}!{conversion}}} is not known")
            parts[-1].append(_Field(name, argument or ""))
    if any(not part or part in (["."], [".."]) for part in parts):
        raise UsageError(
            f"--filename {text!r}: is a path below the folder, such as {{host}}/{DEFAULT}: "
            "without . or .. as a folder, and without / at its begin or end"
        )
    return parts


def _joined(pieces: list[_Piece], of: Named) -> str:
    return "".join([piece(of) for piece in pieces])


def _piece(part: _Part, of: LineFormat) -> _Piece:
    if isinstance(part, str):
        return lambda _: part
    name, argument = part
    if name == _COLUMN:
        return _column(argument, of)
    if name == "line" and argument:
        return _padded(argument)
    if name not in _FIELDS or argument:
        written = f"{name}:{argument}" if argument else name
        known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        near = guess(name, (*_FIELDS, _COLUMN)) if name not in _FIELDS else ""
        raise UsageError(f"--filename: there is no {{{written}}}{near}; there are {known}")
    if name == "id" and not (of.kind == "jsonl" or "id" in of.columns):
        raise UsageError("--filename: there is no {id}: the lines of this input have none")
    get = _FIELDS[name]
    return get if name == _EXT else lambda named: cleaned(get(named)) or "_"


def _padded(digits: str) -> _Piece:
    width = int(digits) if re.fullmatch("[0-9]{1,2}", digits) else 0
    if not 0 < width <= _MAX_DIGITS:
        raise UsageError(
            f"--filename: {{line:{digits}}} is not known: write the number of digits, from 1 to "
            f"{_MAX_DIGITS}, such as {{line:8}}"
        )
    return lambda named: f"{named.row.line:0{width}}"


def _column(name: str, of: LineFormat) -> _Piece:
    known = kept_names(of)
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "its rows have no columns"
        hint = "" if known else "; input.keep_columns of a CSV input keeps them"
        raise UsageError(
            f"--filename: there is no column {name!r}{guess(name, known)}; {there}{hint}"
        )

    def value(named: Named) -> str:
        columns = named.row.columns
        return cleaned("" if columns is UNSET else columns.get(name, "")) or "_"

    return value


def _path_of(url: str) -> str:
    """The decoded path of a URL, without the first `/`."""
    target = web_urls.plain(url)
    text = target.url if target else web_urls.parsed(url) or ""
    path = re.split("[?#]", text.partition("://")[2], maxsplit=1)[0].partition("/")[2]
    return unquote(path, errors="replace").strip("/")


def _url_path(named: Named) -> str:
    return without_extension(_path_of(named.row.url).replace("/", "_")) or _WITHOUT_NAME


def _url_name(named: Named) -> str:
    return without_extension(_path_of(named.row.url).rpartition("/")[2]) or _WITHOUT_NAME


def _id(named: Named) -> str:
    return "" if named.row.id is UNSET else str(named.row.id)


_FIELDS: Final[dict[str, _Piece]] = {
    "line": lambda named: str(named.row.line),
    "id": _id,
    "host": lambda named: web_urls.host_of(named.row.url),
    "path": _url_path,
    "name": _url_name,
    "sha256": lambda named: named.sha256,
    _EXT: lambda named: extension_of(named.row.content_type, named.row.final_url),
    "status": lambda named: str(named.row.status or ""),
    "outcome": lambda named: named.row.outcome.value,
}
