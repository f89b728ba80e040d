"""The row type of the API: a committed result with typed fields and a few conveniences."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

from fetcher.model import Outcome, Result


class Row(Result, frozen=True, kw_only=True):
    """One input's result; docs/rows.md has each field.

    `line` is the input's number, from 1; `id` and `columns` come from the input.
    Fields that only some rows have are None in the others; `truncated` and `unchanged` are False
    there.
    """

    error_kind: str | None = None  # type: ignore[assignment]
    id: str | int | None = None  # type: ignore[assignment]
    columns: dict[str, str] | None = None  # type: ignore[assignment]
    truncated: bool = False
    unchanged: bool = False
    depth: int | None = None  # type: ignore[assignment]
    found_on: int | None = msgspec.field(name="from", default=None)  # type: ignore[assignment]
    via: str | None = None  # type: ignore[assignment]
    location: str | None = None  # type: ignore[assignment]
    title: str | None = None  # type: ignore[assignment]
    body: str | None = None  # type: ignore[assignment]
    body_is: Literal["text", "base64"] | None = None  # type: ignore[assignment]
    body_file: str | None = None  # type: ignore[assignment]
    warc_id: str | None = None  # type: ignore[assignment]
    extra: dict[str, Any] | None = None  # type: ignore[assignment]

    @property
    def ok(self) -> bool:
        """Whether a complete response with a status below 400 came."""
        return self.outcome is Outcome.OK

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, ignoring case; None without one."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def text(self) -> str | None:
        """The body, where it is text and kept in the row (`output.bodies = "inline"`)."""
        return self.body if self.body_is == "text" else None

    @property
    def content(self) -> bytes | None:
        """The body, where it is kept in the row; a text is UTF-8, whatever it was sent in."""
        if self.body is None:
            return None
        return base64.b64decode(self.body) if self.body_is == "base64" else self.body.encode()
