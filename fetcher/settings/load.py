"""Merges settings from file < environment < command line, checks them, and writes them as TOML.

fetcher.settings.schema alone declares which settings exist. This module records where each value
came from, so that an error is one line that names the place of the wrong value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.errors import ConfigError
from fetcher.humanize import shortened
from fetcher.known_types import known
from fetcher.patterns import PatternError, Patterns
from fetcher.settings import describe, environment, suggest
from fetcher.settings.schema import Settings
from fetcher.settings.secrecy import HIDDEN
from fetcher.settings.sections_routes import KEY as ROUTES
from fetcher.settings.sections_routes import routes_of

PATTERNS: Final = ("crawl.allow", "crawl.deny")  # regular expressions, which may have commas
Plain = str | int | float | bool | None
Value = Plain | list[Plain]
_SHOWN_CHARS: Final = 80  # of a wrong value in a message


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and the origin of each `section.key` that is not at its default."""

    settings: Settings
    origins: dict[str, str]


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, tuple[Value, str]] | None = None,
    arguments: Mapping[str, tuple[object, str]] | None = None,
    added: Mapping[str, tuple[list[str], str]] | None = None,
) -> Loaded:
    """Merge file < environment < overrides < arguments, then check all. Raises ConfigError.

    Each mapping is from `section.key` to a value and its origin, for messages:
    `overrides`: from the command line; a str is parsed as a TOML value;
    `arguments`: from a Python program; the values are not parsed;
    `added`: items that are appended to a list, whatever the list's origin.
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
    """Append the items of a list in `added` to the list in `loaded`."""
    section, _, name = key.partition(".")
    before, more = (getattr(each.settings, section) for each in (loaded, added))
    values = (*getattr(before, name), *getattr(more, name))
    changed = msgspec.structs.replace(before, **{name: values})
    settings = msgspec.structs.replace(loaded.settings, **{section: changed})
    return Loaded(settings, loaded.origins | added.origins)


def _from_file(path: Path) -> Iterator[tuple[str, tuple[Any, str]]]:
    try:
        data = _toml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable TOML file") from error
    except UnicodeDecodeError as error:
        where = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise ConfigError(f"{path}: not valid UTF-8 ({where}); save it as UTF-8") from error
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    if ROUTES in data:
        yield ROUTES, (data.pop(ROUTES), str(path))
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
    """Whether text from the system was valid UTF-8: Python decodes other bytes to surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 (takes time to load, and most processes read no TOML)

    return tomllib.loads(text)


def _parse(text: str) -> Any:
    try:
        return _toml(f"value = {text}")["value"]
    except ValueError:
        return text  # a bare word is a string


def _check_section(section: str, origin: str) -> None:
    if section not in describe.sections():
        near = suggest.guess(section, describe.sections())
        all_of_them = f"; the sections are {', '.join(describe.sections())}"
        raise ConfigError(f"{origin}: unknown section [{section}]{near or all_of_them}")


def _check_key(key: str, origin: str) -> None:
    if key in describe.all_keys() or key == ROUTES:
        return
    section, dot, _ = key.partition(".")
    if not dot and (meant := suggest.keys_meant_by(key)):
        raise ConfigError(f"{origin}: unknown setting {key}{suggest.did_you_mean(meant)}")
    _check_section(section, origin)
    near = suggest.near(key)
    all_of_them = f"; [{section}] has: {', '.join(describe.settings_of(section))}"
    raise ConfigError(f"{origin}: unknown setting {key}{near or all_of_them}")


def _shown(key: str, value: Any) -> str:
    if key in describe.secrets():
        return HIDDEN  # a wrong value may still be a secret
    text = toml(value) if isinstance(value, bool) else repr(value)
    return shortened(text, _SHOWN_CHARS)


def _reason(key: str, error: msgspec.ValidationError) -> str:
    """What a section's own check says of the value, with a semicolon; "" if only a type does."""
    said = error.__cause__
    if not isinstance(said, ValueError) or key in describe.secrets():
        return ""
    return f"{shortened(str(said), 2 * _SHOWN_CHARS)}; "


def _checked(values: Mapping[str, tuple[Any, str]]) -> Loaded:
    nested: dict[str, dict[str, Any]] = {}
    routes = routes_of(*values[ROUTES]) if ROUTES in values else ()
    for key, (found, origin) in values.items():
        if key == ROUTES:
            continue
        given = _plain(found)
        if not all(is_text(each) for each in _texts(given)):
            raise ConfigError(f"{origin}: {key} is not valid UTF-8")
        section, _, name = key.partition(".")
        items = describe.setting(key).items
        value = given if items is None else _listed(key, given, items)
        if type(value) is int and describe.allowed(key).startswith("one of "):
            value = str(value)  # `ip_version = 4` is read as a number
        try:
            msgspec.convert({name: value}, known(describe.sections()[section]))
        except msgspec.ValidationError as error:  # its text may show the value: not chained
            reason = _reason(key, error)
            raise ConfigError(
                f"{origin}: {key} = {_shown(key, given)}: {reason}must be {describe.allowed(key)}"
            ) from None
        nested.setdefault(section, {})[name] = value
    settings = msgspec.structs.replace(msgspec.convert(nested, known(Settings)), routes=routes)
    origins = {key: origin for key, (_, origin) in values.items()}
    _check_robots(settings, origins)
    _check_patterns(settings, origins)
    _check_logged_out(settings, origins)
    return Loaded(settings, origins)


def _check_robots(settings: Settings, origins: Mapping[str, str]) -> None:
    # Only the host turns of [polite] apply Crawl-delay and keep the rules of many hosts.
    if settings.polite.robots and not settings.polite.enabled:
        # Both differ from their defaults, so both have an origin.
        raise ConfigError(
            f"{origins['polite.robots']}: polite.robots = true obeys nothing while "
            f"polite.enabled = false ({origins['polite.enabled']}); change one of them"
        )


def _check_patterns(settings: Settings, origins: Mapping[str, str]) -> None:
    for key in PATTERNS:
        section, _, name = key.partition(".")
        for pattern in getattr(getattr(settings, section), name):
            try:
                Patterns((pattern,))
            except PatternError as error:
                raise ConfigError(f"{origins[key]}: {key}: {error}") from None


def _check_logged_out(settings: Settings, origins: Mapping[str, str]) -> None:
    if settings.http.logged_out and not settings.http.login:
        raise ConfigError(
            f"{origins['http.logged_out']}: http.logged_out needs http.login, the function that "
            "logs in again; set both, or none"
        )


def _plain(value: Any) -> Any:
    """Convert subclasses of str and float, as some libraries use, to the plain types."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _texts(value: Any) -> list[str]:
    return [
        each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
    ]


def _listed(key: str, value: Any, items: Any) -> Any:
    """Make a list of a single value, or of one text with commas (easier to type in a shell)."""
    if isinstance(value, str) and key in PATTERNS:
        return [value]
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return [_parse(part) for part in parts] if items is int else parts
    return [value] if isinstance(value, int) else value


def dump(settings: Settings) -> dict[str, dict[str, Value]]:
    """All settings as plain data, by section and key; routes, if any, by name."""
    plain: dict[str, dict[str, Value]] = msgspec.json.decode(msgspec.json.encode(settings))
    del plain[ROUTES]
    if settings.routes:
        plain[ROUTES] = {route.name: list(route.match) for route in settings.routes}
    return plain


def without_secrets(settings: Settings) -> dict[str, dict[str, Value]]:
    """As `dump`, with the secrets in values hidden: for the manifest and for people."""
    plain = dump(settings)
    for key, hide in describe.secrets().items():
        section, _, name = key.partition(".")
        plain[section][name] = hide(plain[section][name])
    return plain


def toml(value: Value) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | list | tuple):
        return str(value)
    # ASCII JSON writes characters over U+FFFF as two escapes, and JSON does not escape U+007F;
    # TOML allows neither.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
