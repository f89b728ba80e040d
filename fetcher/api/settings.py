"""Settings as a program gives them: the same as everywhere, by section or by full name.

The declarations in fetcher.settings.schema decide what is valid. A file and the environment apply
as for `fetcher run`; arguments override both. No setting may be given twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from fetcher.errors import ConfigError
from fetcher.fetch.transfer.tls import check_files
from fetcher.settings import describe, load, suggest
from fetcher.settings.load import Loaded
from fetcher.settings.sections_routes import KEY as ROUTES

# The arguments that stand for one setting, as the options of `fetcher run` do.
SHORT: Final = {
    "workers": "worker.processes",
    "pool_size": "worker.pool_size",
    "batch_size": "job.batch_size",
}
_FORMAT: Final = "input.format"
# Settings that the API decides, and why an argument must not set them.
_OURS: Final = {
    _FORMAT: "for files; each item of urls is a URL or a dict",
    "log.format": "for the command; here, log lines go to logging",
}


def settings_of(
    conf: str | os.PathLike[str] | None,
    named: Mapping[str, object],
    short: Mapping[str, object],
    sections: Mapping[str, object],
    *,
    of_items: bool,
) -> Loaded:
    """The effective settings. Raises ConfigError, which names the argument.

    `named`: by `section.key`; `short`: by the names of SHORT, None for what was not given;
    `of_items`: the input is written by the API, which also decides its format.
    """
    arguments: dict[str, tuple[object, str]] = {}
    for key, value, origin in _all(named, short, sections):
        if key in arguments:
            raise ConfigError(f"{origin}: {key} is given twice, also as {arguments[key][1]}")
        if callable(value):
            raise ConfigError(f"{origin}: {key}: {_how_to_name(value)}")
        arguments[key] = (_plain(key, value), origin)
    for key, why in _OURS.items():
        if key in arguments and (of_items or key != _FORMAT):
            raise ConfigError(f"{arguments[key][1]}: {key} is {why}")
    if of_items:
        arguments[_FORMAT] = ("jsonl", "urls")
    arguments["log.format"] = ("text", "logging")
    loaded = load.load(Path(conf) if conf else None, arguments=arguments)
    check_files(loaded.settings.http)
    return loaded


def _all(
    named: Mapping[str, object], short: Mapping[str, object], sections: Mapping[str, object]
) -> Iterator[tuple[str, object, str]]:
    if not isinstance(named, Mapping):
        raise ConfigError(f"settings: {named!r:.80} is not a dict; write {{'section.key': …}}")
    for key, value in named.items():
        if not isinstance(key, str):
            raise ConfigError(f"settings: {key!r} is not a name; write 'section.key'")
        yield key, value, "settings"
    for name, value in short.items():
        if value is not None:
            yield SHORT[name], value, name
    known = describe.sections()
    for section, content in sections.items():
        if section == ROUTES:
            yield ROUTES, content, ROUTES
            continue
        if section not in known:
            raise ConfigError(_unknown(section))
        if not isinstance(content, Mapping):
            raise ConfigError(f"{section}: is a section; write {section}={{'…': …}}")
        for name, value in content.items():
            yield f"{section}.{name}", value, section


def _unknown(word: str) -> str:
    """The message for an unknown keyword; often it is the name of a setting."""
    homes = describe.homes_of(word)
    if homes:
        near = " or ".join(f"{home}={{'{word}': …}}" for home in homes)
        return f"{word}: is a setting of a section; write {near}"
    known = (*SHORT, *describe.sections())
    near = suggest.guess(word, known)
    if not near:
        meant = [key.partition(".") for key in suggest.keys_meant_by(word)]
        near = suggest.did_you_mean([f"{home}={{'{name}': …}}" for home, _, name in meant])
    all_of_them = f"; there are {', '.join(known)}"
    return f"{word}: unknown argument{near or all_of_them}"


def _how_to_name(value: object) -> str:
    """The message for a function or another callable: how to name it instead."""
    module, name = getattr(value, "__module__", ""), getattr(value, "__qualname__", "")
    if not name.isidentifier():  # a lambda, a method, an object
        module, name = "module", "name"
    elif module == "__main__":
        module = "module"
    return (
        f"workers are other processes, so that it is named, not passed: write '{module}:{name}', "
        "and define it in a file that workers can import (in the current folder, or installed)"
    )


def _plain(key: str, value: object) -> object:
    """The value as the declarations take it; headers may be a dict, as elsewhere in Python."""
    if key == "http.headers" and isinstance(value, Mapping):
        return [f"{name}: {text}" for name, text in value.items()]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
