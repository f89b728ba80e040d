"""The declarations of all settings as data, for messages and docs."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from fetcher.settings.schema import Section, Settings
from fetcher.settings.value_types import Hide


class Setting(msgspec.Struct, frozen=True):
    """The declaration of one setting."""

    kind: Any  # its type, without annotations
    bounds: tuple[msgspec.Meta, ...]
    default: Any

    @property
    def description(self) -> str:
        """The help text."""
        return "".join(meta.description or "" for meta in self.bounds)

    @property
    def hide(self) -> Hide | None:
        """The function that hides the secret in a value; None if values hold no secret."""
        found = [meta.extra["hide"] for meta in self.bounds if meta.extra and "hide" in meta.extra]
        return found[0] if found else None

    @property
    def items(self) -> Any:
        """The type of a list's items, without annotations; None if the setting is not a list."""
        if get_origin(self.kind) is not tuple:
            return None
        item = get_args(self.kind)[0]
        return get_args(item)[0] if get_origin(item) is Annotated else item


@functools.cache
def sections() -> dict[str, type[Section]]:
    """The sections' declarations by name, in order."""
    hints = get_type_hints(Settings)
    return {name: kind for name, kind in hints.items() if isinstance(kind, type)}


@functools.cache
def settings_of(section: str) -> dict[str, Setting]:
    """The settings of a section by name, in order."""
    return fields_of(sections()[section])


def fields_of(struct: type[Section]) -> dict[str, Setting]:
    """The settings of a section, or of a table of an array, by name, in order."""
    found = {}
    for field in msgspec.structs.fields(struct):
        kind, *bounds = get_args(field.type)
        found[field.name] = Setting(kind, tuple(bounds), field.default)
    return found


@functools.cache
def all_keys() -> tuple[str, ...]:
    """All settings, as `section.key`."""
    return tuple(f"{section}.{name}" for section in sections() for name in settings_of(section))


@functools.cache
def secrets() -> dict[str, Hide]:
    """The settings that may hold a secret, as `section.key`, and the functions that hide it."""
    return {key: hide for key in all_keys() if (hide := setting(key).hide) is not None}


def homes_of(name: str) -> list[str]:
    """The sections that have a setting of this name."""
    return [section for section in sections() if name in settings_of(section)]


def setting(key: str) -> Setting:
    """The setting of a `section.key`."""
    section, _, name = key.partition(".")
    return settings_of(section)[name]


def allowed(key: str) -> str:
    """The values that a setting may have, in words."""
    declared = setting(key)
    if get_origin(declared.kind) is Literal:
        return "one of " + ", ".join(get_args(declared.kind))
    kinds = {int: "a whole number", float: "a number", bool: "true or false"}
    said = [kinds.get(declared.kind, "a text")]
    for meta in declared.bounds:
        if meta.extra and "kind" in meta.extra:
            said[0] = meta.extra["kind"]
        for bound, words in ((meta.ge, "at least"), (meta.gt, "more than"), (meta.le, "at most")):
            if bound is not None:
                said.append(f"{words} {bound:.15g}")
        if declared.kind is str and meta.min_length:
            said.append("not empty")
        if declared.items is not None and meta.max_length and not meta.min_length:
            said.append(f"at most {meta.max_length} of them")
    return ", ".join(said)
