"""Settings from everywhere: file < environment < command line, checked, shown, exemplified.

Law: what may be set is declared in fetcher.settings alone; here each value remembers where it came
from. What is wrong with a value is one line that names its place.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pydantic
from pydantic import BaseModel

from fetcher.errors import ConfigError
from fetcher.settings import Section, Settings

ENV_PREFIX: Final = "FETCHER_"
Plain = str | int | float | bool | None
Value = Plain | list[Plain]
_SHOWN_CHARS: Final = 80  # of a wrong value


class Loaded(BaseModel):
    """Settings, and for each `section.key` that is not at its default, where it came from."""

    settings: Settings
    origins: dict[str, str]


def sections() -> Iterator[tuple[str, type[Section]]]:
    """The sections' names and declarations, in order."""
    for name, field in Settings.model_fields.items():
        yield name, cast(type[Section], field.annotation)


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, tuple[Value, str]] | None = None,
    arguments: Mapping[str, tuple[object, str]] | None = None,
) -> Loaded:
    """Merge file < environment < command line or arguments, check all. Raises ConfigError.

    `overrides` maps `section.key` to a value (a str is parsed as TOML would) and the option that
    gave it; `arguments` likewise, with values of a program, which are taken as they are.
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
    return _checked(values)


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
            if section in Settings.model_fields:
                raise ConfigError(
                    f"{path}: {section} is a section: write [{section}] above its settings"
                )
            raise ConfigError(f"{path}: {section} stands outside of any section{_home(section)}")
        _check_section(section, str(path))
        for key, value in content.items():
            _check_key(f"{section}.{key}", str(path))
            yield f"{section}.{key}", (value, str(path))


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[Any, str]]]:
    for name, text in environ.items():
        if not name.startswith(ENV_PREFIX):
            continue
        if "__" not in name:
            _check_underscores(name)
        else:
            key = name.removeprefix(ENV_PREFIX).lower().replace("__", ".", 1)
            _check_key(key, name)
            yield key, (_parse(text), name)


def _check_underscores(name: str) -> None:
    """Refuse a variable that would be a setting's with one more underscore."""
    for key in _keys():
        meant = ENV_PREFIX + key.replace(".", "__").upper()
        if name == meant.replace("__", "_"):
            raise ConfigError(f"{name}: sets nothing; write {meant}, with two underscores")


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


def _keys() -> list[str]:
    return [f"{name}.{key}" for name, section in sections() for key in section.model_fields]


def _check_section(section: str, origin: str) -> None:
    if section not in Settings.model_fields:
        allowed = ", ".join(Settings.model_fields)
        near = guess(section, Settings.model_fields)
        raise ConfigError(
            f"{origin}: unknown section [{section}]{near}; the sections are {allowed}"
        )


def _check_key(key: str, origin: str) -> None:
    if key in _keys():
        return
    section = key.partition(".")[0]
    _check_section(section, origin)
    allowed = ", ".join(name.split(".")[1] for name in _keys() if name.startswith(f"{section}."))
    raise ConfigError(f"{origin}: unknown setting {key}{_near(key)}; [{section}] has: {allowed}")


def _near(key: str) -> str:
    """A guess at what was meant: that name elsewhere, else one like it in the same section."""
    section, _, name = key.partition(".")
    elsewhere = [known for known in _keys() if known.partition(".")[2] == name]
    if elsewhere:
        return _did_you_mean(elsewhere)
    near = difflib.get_close_matches(name, dict(sections())[section].model_fields, n=1)
    return _did_you_mean([f"{section}.{word}" for word in near])


def _home(name: str) -> str:
    """A guess at where a setting without its section belongs."""
    plain = [key.partition(".")[2] for key in _keys()]
    near = difflib.get_close_matches(name, plain, n=1)
    homes = [key.partition(".")[0] for key in _keys() if key.partition(".")[2] in near]
    return _did_you_mean([f"[{home}] {near[0]}" for home in homes])


def _did_you_mean(words: Sequence[str]) -> str:
    return f" (did you mean {' or '.join(words)}?)" if words else ""


def guess(word: str, known: Iterable[str]) -> str:
    """The known word that was likely meant, as a question; "" where none is near."""
    return _did_you_mean(difflib.get_close_matches(word, known, n=1))


def _shown(key: str, value: Any) -> str:
    if key in SECRETS:
        return HIDDEN  # what is wrong may be a secret all the same
    text = toml(value) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _checked(values: Mapping[str, tuple[Any, str]]) -> Loaded:
    nested: dict[str, dict[str, Any]] = {}
    for key, (value, origin) in values.items():
        if isinstance(value, str) and not is_text(value):
            raise ConfigError(f"{origin}: {key} is not valid UTF-8")
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    try:
        settings = Settings.model_validate(nested)
    except pydantic.ValidationError as error:  # which shows values, so it is not passed on
        key = ".".join(str(part) for part in error.errors()[0]["loc"][:2])
        value, origin = values[key]
        raise ConfigError(
            f"{origin}: {key} = {_shown(key, value)}: must be {allowed(key)}"
        ) from None
    return Loaded(settings=settings, origins={key: origin for key, (_, origin) in values.items()})


def allowed(key: str) -> str:
    """What a setting may be, for people."""
    section, _, name = key.partition(".")
    schema = dict(sections())[section].model_json_schema()["properties"][name]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    said = [schema.get("kind") or kinds.get(schema["type"], "a text")]
    for bound, word in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
    ):
        if bound in schema:
            said.append(f"{word} {schema[bound]:.15g}")
    return ", ".join(said)


def dump(settings: Settings) -> dict[str, dict[str, Value]]:
    """All settings as plain data, by section and key."""
    return settings.model_dump(mode="json")


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


def example() -> str:
    """The fully commented file of all settings at their defaults: conf/fetcher.toml."""
    lines = [
        "# Every setting of fetcher at its default. Copy it, keep what you change, pass it by -c.",
        "# The environment (FETCHER_WORKER__POOL_SIZE=500) and the command line",
        "# (--set worker.pool_size=500) come after this file.",
    ]
    for name, section in sections():
        lines += ["", "", f"# {section.__doc__}", f"[{name}]"]
        for key, field in section.model_fields.items():
            text = f"{field.description} ({allowed(f'{name}.{key}')})"
            lines += ["", *textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"{key} = {toml(field.default)}")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """All settings for people to read: docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Made from the declarations by `make docs`. A setting can be given",
        "",
        "- in a TOML file (`-c my.toml`), under its section: `[worker]`, then `pool_size = 500`;",
        "- in the environment: `FETCHER_WORKER__POOL_SIZE=500`;",
        "- on the command line: `--set worker.pool_size=500`;",
        '- from Python: `fetch(urls, worker={"pool_size": 500})`.',
        "",
        "Each goes before those above it. `fetcher config` shows what is in effect, and why.",
    ]
    for name, section in sections():
        lines += ["", f"## {name}", "", f"{section.__doc__}", ""]
        lines += ["| setting | default | may be | meaning |", "| --- | --- | --- | --- |"]
        for key, field in section.model_fields.items():
            cells = (f"`{key}`", f"`{toml(field.default)}`", allowed(f"{name}.{key}"))
            text = " | ".join([*cells, f"{field.description}"])
            lines.append(f"| {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown() if sys.argv[1:] == ["--markdown"] else example())
