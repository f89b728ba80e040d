"""Wire text: header text as latin-1, in which each character is one byte on the wire.

Request.headers and Answer.headers hold wire text, so a server's cookie or Location can be sent back
as the same bytes. Text of users is UTF-8: it is converted once on its way in (`to_wire`), and once
on its way into a row (`shown`).
"""

from __future__ import annotations

from collections.abc import Sequence

Headers = list[tuple[str, str]]


def to_wire(text: str) -> str:
    """Convert to wire text: UTF-8 bytes; lone surrogates are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("latin-1")


def parsed_header(text: str) -> tuple[str, str]:
    """Convert `Name: value` to a header in wire text."""
    name, _, value = text.partition(":")
    return name, to_wire(value.strip())


def shown(wire_text: str) -> str:
    """Convert wire text to text: as UTF-8 if that is valid, else as latin-1."""
    if wire_text.isascii():
        return wire_text
    try:
        return wire_text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return wire_text


def shown_headers(headers: Headers) -> Headers:
    """Convert names and values as `shown` does; the same list if all of it is ASCII."""
    for name, value in headers:
        if not (value.isascii() and name.isascii()):
            return [(shown(name), shown(value)) for name, value in headers]
    return headers


def values_of(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    """The values of all headers with exactly this name."""
    return [value for each, value in headers if each == name]


def merged(
    defaults: Sequence[tuple[str, str]], given: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """The defaults without those that are given too, then the given headers."""
    if not given:
        return tuple(defaults)
    names = {name.lower() for name, _ in given}
    return (*(pair for pair in defaults if pair[0].lower() not in names), *given)
