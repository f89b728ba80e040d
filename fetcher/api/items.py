"""The URLs that a program passes: a file, or items that are written to one, a line each.

Every item becomes exactly one line of JSON Lines, so that it has exactly one row, whose `line` is
the item's number. Items are read once and not kept in memory.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from fetcher.errors import InputError
from fetcher.store.disk import disk_errors

Item = str | Mapping[str, object]
Urls = Iterable[Item] | str | os.PathLike[str]

_WRITE_BYTES: Final = 256 * 1024


def file_of(urls: Urls) -> Path | None:
    """The path of a URL file; None for items. Raises InputError for other types."""
    if isinstance(urls, str):
        if "://" in urls:
            raise InputError(f"urls: {urls!r} is one URL; give a list: [{urls!r}]")
        return Path(urls)
    if isinstance(urls, os.PathLike):
        return Path(urls)
    if isinstance(urls, Mapping):
        raise InputError("urls: a dict is one request; give a list of them: [{'url': …}]")
    if isinstance(urls, bytes) or not isinstance(urls, Iterable):
        raise InputError(
            f"urls: {type(urls).__name__} is neither a path nor an iterable of URLs and dicts"
        )
    return None


def first_of(items: Iterable[Item]) -> Iterator[Item] | None:
    """All items, after the first one was read; None where there are none."""
    iterator = iter(items)
    for item in iterator:
        return itertools.chain((item,), iterator)
    return None


def write(items: Iterable[Item], file: BinaryIO, path: Path) -> None:
    """Write each item as a line. Raises InputError, and whatever reading the items raises."""
    lines: list[bytes] = []
    size = 0
    for number, item in enumerate(items, 1):
        lines.append(_line(number, item))
        size += len(lines[-1])
        if size >= _WRITE_BYTES:
            with disk_errors(path):
                file.writelines(lines)
            lines, size = [], 0
    with disk_errors(path):
        file.writelines(lines)


def _line(number: int, item: object) -> bytes:
    if isinstance(item, str):
        content: dict[str, object] = {"url": item}
    elif isinstance(item, Mapping):
        content = dict(item)
        if isinstance(content.get("body"), bytes):
            content["body"] = {"base64": _base64(content["body"])}
    else:
        raise InputError(f"urls: item {number} is {item!r:.80}; give a URL as str, or a dict")
    try:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"urls: item {number} cannot be written as JSON: {error}") from error
    # Text that is not valid UTF-8 fails later, in the row of its line.
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _base64(body: object) -> str:
    assert isinstance(body, bytes)
    return base64.b64encode(body).decode()
