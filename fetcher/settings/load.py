"""Settings from everywhere: file < environment < command line, checked and shown.

Law: what may be set is declared in fetcher.settings.schema alone; here each value remembers where
it came from. What is wrong with a value is one line that names its place.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.errors import ConfigError
from fetcher.settings import describe, environment, suggest
from fetcher.settings.schema import Settings

Plain = str | int | float | bool | None
Value = Plain | list[Plain]
_SHOWN_CHARS: Final = 80  # of a wrong value


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and for each `section.key` that is not at its default, where it came from."""

    settings: Settings
    origins: dict[str, str]


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, tuple[Value, str]] | None = None,
    arguments: Mapping[str, tuple[object, str]] | None = None,
    added: Mapping[str, tuple[list[str], str]] | None = None,
) -> Loaded:
    """Merge file < environment < command line or arguments, check all. Raises ConfigError.

    `overrides` maps `section.key` to a value (a str is parsed as TOML would) and the option that
    gave it; `arguments` likewise, with values of a program, which are taken as they are; `added`
    likewise, with values that follow those which a list has from all the others.
    """
    values: dict[str, tuple[Any, str]] = {}
    if path is not None:
        values.update(_from_file(path))
    values.update(_from_environment(environ))
    for key, (value, origin) in (overrides or {}).items():
        _check_key(key, origin)
        values[key] = (_parse(value) if isinstance(value, str) else value, origin)
    for key, (argument, origin) in (arguments or {}).items():
        _check_key(key, origin)
        values[key] = (argument, origin)
    loaded = _checked(values)
    for key, (more, origin) in (added or {}).items():
        loaded = _with_added(loaded, key, _checked({key: (more, origin)}))
    return loaded


def _with_added(loaded: Loaded, key: str, added: Loaded) -> Loaded:
    """The same, with the values that `added` has for a list behind those that are there."""
    section, _, name = key.partition(".")
    before, more = (getattr(each.settings, section) for each in (loaded, added))
    values = (*getattr(before, name), *getattr(more, name))
    changed = msgspec.structs.replace(before, **{name: values})
    settings = msgspec.structs.replace(loaded.settings, **{section: changed})
    return Loaded(settings, loaded.origins | added.origins)


def _from_file(path: Path) -> Iterator[tuple[str, tuple[Any, str]]]:
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable TOML file") from error
    except UnicodeDecodeError as error:
        where = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise ConfigError(f"{path}: not valid UTF-8 ({where}); save it as UTF-8") from error
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for section, content in data.items():
        if not isinstance(content, dict):
            if section in describe.sections():
                raise ConfigError(
                    f"{path}: {section} is a section: write [{section}] above its settings"
                )
            home = suggest.home(section)
            raise ConfigError(f"{path}: {section} stands outside of any section{home}")
        _check_section(section, str(path))
        for key, value in content.items():
            _check_key(f"{section}.{key}", str(path))
            yield f"{section}.{key}", (value, str(path))


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[Any, str]]]:
    for key, text, name in environment.assignments(environ):
        yield key, (_parse(text), name)


def is_text(text: str) -> bool:
    """Whether what the system gave as bytes was UTF-8: Python has surrogates for what is not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text  # a bare word is a string


def _check_section(section: str, origin: str) -> None:
    if section not in describe.sections():
        near = suggest.guess(section, describe.sections())
        all_of_them = f"; the sections are {', '.join(describe.sections())}"
        raise ConfigError(f"{origin}: unknown section [{section}]{near or all_of_them}")


def _check_key(key: str, origin: str) -> None:
    if key in describe.all_keys():
        return
    section, dot, _ = key.partition(".")
    if not dot and (meant := suggest.keys_meant_by(key)):
        raise ConfigError(f"{origin}: unknown setting {key}{suggest.did_you_mean(meant)}")
    _check_section(section, origin)
    near = suggest.near(key)
    all_of_them = f"; [{section}] has: {', '.join(describe.settings_of(section))}"
    raise ConfigError(f"{origin}: unknown setting {key}{near or all_of_them}")


def _shown(key: str, value: Any) -> str:
    if key in SECRETS:
        return HIDDEN  # what is wrong may be a secret all the same
    text = toml(value) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _checked(values: Mapping[str, tuple[Any, str]]) -> Loaded:
    nested: dict[str, dict[str, Any]] = {}
    for key, (found, origin) in values.items():
        given = _plain(found)
        if not all(is_text(each) for each in _texts(given)):
            raise ConfigError(f"{origin}: {key} is not valid UTF-8")
        section, _, name = key.partition(".")
        items = describe.setting(key).items
        value = given if items is None else _listed(given, items)
        try:
            msgspec.convert({name: value}, describe.sections()[section])
        except msgspec.ValidationError:  # which may show the value, so it is not passed on
            raise ConfigError(
                f"{origin}: {key} = {_shown(key, given)}: must be {describe.allowed(key)}"
            ) from None
        nested.setdefault(section, {})[name] = value
    settings = msgspec.convert(nested, Settings)
    origins = {key: origin for key, (_, origin) in values.items()}
    _check_robots(settings, origins)
    return Loaded(settings, origins)


def _check_robots(settings: Settings, origins: Mapping[str, str]) -> None:
    # Crawl-delay and the rules of many hosts are kept where hosts have turns.
    if settings.polite.robots and not settings.polite.enabled:
        # Both differ from their defaults: somebody has set them.
        raise ConfigError(
            f"{origins['polite.robots']}: polite.robots = true obeys nothing while "
            f"polite.enabled = false ({origins['polite.enabled']}); change one of them"
        )


def _plain(value: Any) -> Any:
    """Without the classes that libraries derive from text and numbers: what a file could hold."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _texts(value: Any) -> list[str]:
    return [
        each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
    ]


def _listed(value: Any, items: Any) -> Any:
    """A list may be given as one value, or one text with commas, as it is easier in a shell."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return [_parse(part) for part in parts] if items is int else parts
    return [value] if isinstance(value, int) else value


def dump(settings: Settings) -> dict[str, dict[str, Value]]:
    """All settings as plain data, by section and key."""
    plain: dict[str, dict[str, Value]] = msgspec.json.decode(msgspec.json.encode(settings))
    return plain


SECRETS: Final = frozenset({"http.headers", "http.proxy", "monitor.token"})  # may hold some
HIDDEN: Final = "…"


def without_secrets(settings: Settings) -> dict[str, dict[str, Value]]:
    """As `dump`, to be written down: without values of headers, passwords and tokens."""
    plain = dump(settings)
    http = plain["http"]
    http["headers"] = [f"{text.partition(':')[0]}: {HIDDEN}" for text in settings.http.headers]
    plain["monitor"]["token"] = HIDDEN if settings.monitor.token else ""
    http["proxy"] = re.sub(r"//[^/]*@", f"//{HIDDEN}@", settings.http.proxy)
    return plain


def toml(value: Value) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | list | tuple):
        return str(value)
    # JSON would write characters beyond U+FFFF as two, and U+007F as it is: TOML has neither.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
