"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fetcher import config, presets
from fetcher.config import Value
from fetcher.engines.paths import require_path
from fetcher.errors import ConfigError
from fetcher.settings import Monitor
from fetcher.telemetry import logs

F = TypeVar("F", bound=Callable[..., Any])


class _Port(click.IntRange):
    """Of an option that may stand alone, so that what follows it may be no port at all."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(1, 65_535)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str) and not value.isdigit():
            self.fail(f"{value!r} is not a port; for the default port, put --web last", param, ctx)
        return super().convert(value, param, ctx)


class _Path(click.Path):
    """Of a file or directory whose whole name can be written down, in specs and manifests."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        require_path(os.fspath(value), param.get_error_hint(ctx))
        return super().convert(value, param, ctx)


OUT = _Path()
FILE = _Path()


def config_options(command: F) -> F:
    """-c CONF and --set section.key=value."""
    command = click.option(
        "--set",
        "assignments",
        metavar="SECTION.KEY=VALUE",
        multiple=True,
        help="Set one setting; may be repeated. `fetcher config` lists them.",
    )(command)
    return click.option(
        "-c", "--config", "conf", type=FILE, metavar="CONF", help="A TOML file of settings."
    )(command)


out_option = click.option(
    "-o", "--out", required=True, type=OUT, metavar="OUT", help="Where the results go."
)
web_option = click.option(
    "--web",
    type=_Port(),
    is_flag=False,
    flag_value=8899,
    metavar="[PORT]",
    help="Show the job, live, in a browser (port 8899); see [monitor].",
)
own_servers_option = click.option(
    "--own-servers",
    is_flag=True,
    help="For servers of your own: private addresses open, no politeness, one attempt.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print only what goes wrong.")
log_format_option = click.option(
    "--log-format", metavar="text|json", help="json: one JSON object a line on stderr."
)
keys_option = click.option(
    "--keys", metavar="DIR", help="The folder of this role's keys; see `fetcher keys`."
)
insecure_option = click.option(
    "--insecure",
    is_flag=True,
    help="Work without keys on a network, although everyone there could then join.",
)


def settings_of(
    conf: Path | None,
    assignments: tuple[str, ...],
    *,
    own_servers: bool = False,
    **options: tuple[str, Value],
) -> config.Loaded:
    """The effective settings. `options`: section__key=(option's name, value or None).

    `own_servers`: that option was given; all others of the command line come after it.
    """
    overrides: dict[str, tuple[Value, str]] = {}
    if own_servers:
        overrides = {key: (value, "--own-servers") for key, value in presets.OWN_SERVERS.items()}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            # What is wrong may hold a password: its beginning is enough to know it by.
            beginning = re.split(r"[^\w.-]", text, maxsplit=1)[0]
            raise ConfigError(f"--set {beginning}: write it as section.key=value")
        overrides[key.strip()] = (value.strip(), f"--set {key.strip()}")
    for name, (option, given) in options.items():
        if given is not None:
            overrides[name.replace("__", ".", 1)] = (given, option)
    loaded = config.load(conf, overrides=overrides)
    logs.use(loaded.settings.log.format)
    return loaded


def command_line(arguments: Sequence[str] | None = None) -> str:
    """This call of the program as one types it, without what may be a secret."""
    given = sys.argv[1:] if arguments is None else arguments
    return shlex.join(["fetcher", *map(_without_secret, given)])


def _without_secret(argument: str) -> str:
    prefix = "--set=" if argument.startswith("--set=") else ""
    name, equals, _ = argument.removeprefix(prefix).partition("=")
    if equals and name.strip() in config.SECRETS:
        return f"{prefix}{name}={config.HIDDEN}"
    return argument


def page_url(monitor: Monitor) -> str:
    """Where a browser finds the live page."""
    host = f"[{monitor.host}]" if ":" in monitor.host else monitor.host
    return f"http://{host}:{monitor.http}/"
