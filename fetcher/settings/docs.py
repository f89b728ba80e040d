"""Writes the example files and the documentation of all settings from their declarations.

`python -m fetcher.settings.docs` writes conf/fetcher.toml to standard output; --markdown writes
docs/settings.md, and --own-servers conf/own-servers.toml.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Final

from fetcher.settings import describe, presets
from fetcher.settings.load import Value, toml
from fetcher.settings.schema import Route

_ROUTE: Final[dict[str, Value]] = {"name": "eu", "match": ["host:example.de", "url:/eu/"]}


def example() -> str:
    """Return conf/fetcher.toml: all settings at their defaults, with comments."""
    lines = [
        "# Every setting of fetcher at its default. Copy it, keep what you change, use it with -c.",
        "# The environment (FETCHER_WORKER__POOL_SIZE=500) and the command line",
        "# (--set worker.pool_size=500) take precedence over this file.",
    ]
    for name, section in describe.sections().items():
        lines += ["", "", f"# {section.__doc__}", f"[{name}]"]
        for key, setting in describe.settings_of(name).items():
            text = f"{setting.description} ({describe.allowed(f'{name}.{key}')})"
            lines += ["", *textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"{key} = {toml(setting.default)}")
    return "\n".join([*lines, *_routes_example()]) + "\n"


def _routes_example() -> list[str]:
    """The tables of routes, which have no default, as a comment."""
    lines = ["", "", f"# {Route.__doc__}", "# Tables, none by default; all other lines take the"]
    lines[-1] += " route `default`."
    for key, setting in describe.fields_of(Route).items():
        lines += textwrap.wrap(
            f"{key}: {setting.description}", 98, initial_indent="# ", subsequent_indent="#   "
        )
    return [*lines, "# [[routes]]", *(f"# {key} = {toml(v)}" for key, v in _ROUTE.items())]


def own_servers() -> str:
    """Return conf/own-servers.toml: the settings that `--own-servers` sets."""
    lines = [
        "# For your own servers: without politeness limits, also on this machine and in private",
        "# networks. The option --own-servers sets the same.",
    ]
    for key, value in presets.OWN_SERVERS.items():
        section, _, name = key.partition(".")
        lines += ["", f"[{section}]", f"{name} = {toml(value)}"]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "This page is made by `make docs`. A setting can be given",
        "",
        "- in a TOML file (`-c my.toml`), under its section: `[worker]`, then `pool_size = 500`;",
        "- in the environment: `FETCHER_WORKER__POOL_SIZE=500`;",
        "- on the command line: `--set worker.pool_size=500`;",
        '- from Python: `fetch(urls, worker={"pool_size": 500})`.',
        "",
        "A later place in this list takes precedence over an earlier one. `fetcher config` shows",
        "the settings in effect and where each was given.",
    ]
    for name, section in describe.sections().items():
        lines += ["", f"## {name}", "", f"{section.__doc__}", ""]
        lines += ["| setting | default | values | meaning |", "| --- | --- | --- | --- |"]
        for key, setting in describe.settings_of(name).items():
            cells = (f"`{key}`", f"`{toml(setting.default)}`", describe.allowed(f"{name}.{key}"))
            escaped = (cell.replace("|", r"\|") for cell in (*cells, setting.description))
            text = " | ".join(escaped)
            lines.append(f"| {text} |")
    lines += ["", "## [[routes]]", "", f"{Route.__doc__}", ""]
    lines += ["| key | meaning |", "| --- | --- |"]
    for key, setting in describe.fields_of(Route).items():
        lines.append(f"| {key} | {setting.description} |")
    lines += ["", "Each route is a table; all lines that no route takes have the route `default`."]
    lines += ["See [a job on several machines](cluster.md#routes).", "", "```toml", "[[routes]]"]
    lines += [*(f"{key} = {toml(value)}" for key, value in _ROUTE.items()), "```"]
    return "\n".join(lines) + "\n"


_WRITES: Final = {"": example, "--markdown": markdown, "--own-servers": own_servers}

if __name__ == "__main__":
    sys.stdout.write(_WRITES["".join(sys.argv[1:])]())
