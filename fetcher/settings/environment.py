"""Environment variables that set settings: FETCHER_SECTION__KEY.

A variable with our prefix must name a setting, else it is refused: a mistyped name would otherwise
be ignored silently. Variables that Kubernetes sets for a service named `fetcher` are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from fetcher.errors import ConfigError
from fetcher.settings import describe, suggest
from fetcher.settings.sections_routes import KEY as ROUTES

PREFIX: Final = "FETCHER_"
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_KUBERNETES: Final = re.compile(
    rf"{PREFIX}(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
)
_KUBERNETES_MARK: Final = f"{PREFIX}SERVICE_HOST"


def variable_of(key: str) -> str:
    """The name of the variable that sets `section.key`."""
    return PREFIX + key.replace(".", "__").upper()


def assignments(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield setting, text and variable name of each of our variables. Raises ConfigError."""
    known = {variable_of(key): key for key in (*describe.all_keys(), ROUTES)}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        if key := known.get(name.upper()):
            yield key, text, name
        elif not (_KUBERNETES_MARK in environ and _OF_KUBERNETES.fullmatch(name)):
            raise ConfigError(f"{name}: sets nothing{_hint(name)}")


def _hint(name: str) -> str:
    for key in describe.all_keys():
        if name == variable_of(key).replace("__", "_"):
            return f"; write {variable_of(key)}, with two underscores"
    words = name.removeprefix(PREFIX).lower()
    section, _, setting = words.partition("__")
    if setting and section in describe.sections():
        found = suggest.keys_near(f"{section}.{setting}")
    else:
        found = suggest.keys_meant_by(words.replace("__", "_").strip("_"))
    if found:
        return suggest.did_you_mean([variable_of(key) for key in found])
    return f"; write {PREFIX}SECTION__KEY with a setting that `fetcher config` lists, or unset it"
