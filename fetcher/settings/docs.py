"""All settings for people to read, made from the declarations.

`python -m fetcher.settings.docs` writes conf/fetcher.toml, with --markdown docs/settings.md, with
--own-servers conf/own-servers.toml.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Final

from fetcher.settings import describe, presets
from fetcher.settings.load import toml


def example() -> str:
    """The fully commented file of all settings at their defaults: conf/fetcher.toml."""
    lines = [
        "# Every setting of fetcher at its default. Copy it, keep what you change, pass it by -c.",
        "# The environment (FETCHER_WORKER__POOL_SIZE=500) and the command line",
        "# (--set worker.pool_size=500) come after this file.",
    ]
    for name, section in describe.sections().items():
        lines += ["", "", f"# {section.__doc__}", f"[{name}]"]
        for key, setting in describe.settings_of(name).items():
            text = f"{setting.description} ({describe.allowed(f'{name}.{key}')})"
            lines += ["", *textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"{key} = {toml(setting.default)}")
    return "\n".join(lines) + "\n"


def own_servers() -> str:
    """The file that says what `--own-servers` does: conf/own-servers.toml."""
    lines = [
        "# For servers of your own: as fast as they can, also on this machine and in private",
        "# networks. The option --own-servers does the same.",
    ]
    for key, value in presets.OWN_SERVERS.items():
        section, _, name = key.partition(".")
        lines += ["", f"[{section}]", f"{name} = {toml(value)}"]
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
    for name, section in describe.sections().items():
        lines += ["", f"## {name}", "", f"{section.__doc__}", ""]
        lines += ["| setting | default | may be | meaning |", "| --- | --- | --- | --- |"]
        for key, setting in describe.settings_of(name).items():
            cells = (f"`{key}`", f"`{toml(setting.default)}`", describe.allowed(f"{name}.{key}"))
            text = " | ".join([*cells, f"{setting.description}"])
            lines.append(f"| {text} |")
    return "\n".join(lines) + "\n"


_WRITES: Final = {"": example, "--markdown": markdown, "--own-servers": own_servers}

if __name__ == "__main__":
    sys.stdout.write(_WRITES["".join(sys.argv[1:])]())
