"""Options that several commands share, and how they become settings.

An option for a setting is declared once, in fetcher.cli.setting_options. Its value is checked as
the setting's is; an error names the option.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from fetcher.cli.setting_options import CRAWLS, SETTING_OPTIONS, SettingOption
from fetcher.engines.paths import require_path
from fetcher.errors import ConfigError, UsageError
from fetcher.settings import describe, load, presets
from fetcher.settings.load import Value
from fetcher.settings.schema import Monitor
from fetcher.settings.secrecy import HIDDEN
from fetcher.telemetry import logs

F = TypeVar("F", bound=Callable[..., Any])


class _Port(click.IntRange):
    """A port. Its option may have no value, so another argument may be taken for the port."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(1, 65_535)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str) and not value.isdigit():
            self.fail(f"{value!r} is not a port; for the default port, put --web last", param, ctx)
        return super().convert(value, param, ctx)


class _Path(click.Path):
    """A path that is valid UTF-8, as it is written to specs and manifests."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        require_path(os.fspath(value), param.get_error_hint(ctx))
        return super().convert(value, param, ctx)


OUT = _Path()
FILE = _Path()


_ADDED: Final = "http.headers"  # values of the option are added to the setting's
_REPEATED: Final = (_ADDED, *load.PATTERNS)  # settings whose options may be given several times
_COLUMN: Final = "input.url_column"
_SET_FOR_CRAWL: Final = "--set crawl."  # how the origin of such a setting begins
_GIVEN: Final = "fetcher.cli.options"  # key of the given SETTING_OPTIONS in a context's meta

# Groups of options in `--help`, by the names of their parameters.
_GROUPS: Final = {
    "Input": ("column", "urlfile", "is_crawl", "outcomes", "statuses", "partial"),
    "Output": ("out", "path", "bodies", "with_body"),
    "Crawl": (
        *("scope", "allow", "deny", "depth", "max_pages", "max_pages_per_host"),
        *("assets", "sitemaps"),
    ),
    "Requests": ("timeout", "header", "own_servers"),
    "Speed": ("workers", "processes", "pool_size", "batch_size"),
    "Politeness": ("per_host", "delay", "robots"),
    "Cluster": ("engine", "at_ventilator", "at_sinks", "number", "keys", "insecure", "standing"),
    "Display and exit code": ("web", "quiet", "log_format", "unwanted"),
    "All settings": ("conf", "assignments"),
}
_REST: Final = "Other"


class GroupedCommand(click.Command):
    """A command whose `--help` shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by group; those without a group come last."""
        home = {name: group for group, names in _GROUPS.items() for name in names}
        shown: dict[str, list[tuple[str, str]]] = {group: [] for group in (*_GROUPS, _REST)}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                shown[home.get(param.name or "", _REST)].append(record)
        for group, records in shown.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records)


def setting_options(name: str) -> Callable[[F], F]:
    """Add the options of SETTING_OPTIONS that the command `name` has; see `settings_of`."""

    def decorated(command: F) -> F:
        for option in reversed(SETTING_OPTIONS):
            if name in option.commands.split():
                command = _setting_option(option)(command)
        return command

    return decorated


def _setting_option(of: SettingOption) -> Callable[[F], F]:
    def note(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        if value is None or value == ():
            return
        flag, _, negative = of.flags.partition("/")
        origin = negative if value is False and negative else flag
        ctx.meta.setdefault(_GIVEN, {})[of.key] = (value, origin)

    kind: dict[str, Any] = {"metavar": of.metavar} if of.metavar else {"is_flag": True}
    return click.option(
        of.flags,
        help=f"{of.help} ({of.key}).",
        default=None,
        multiple=of.key in _REPEATED,
        expose_value=False,
        callback=note,
        **kind,
    )


def typed_again(context: click.Context, name: str) -> Iterator[tuple[str, ...]]:
    """The given options of SETTING_OPTIONS that the command `name` has, too; without secrets."""
    given = context.meta.get(_GIVEN, {})
    for option in SETTING_OPTIONS:
        if option.key in given and name in option.commands.split():
            value, flag = given[option.key]
            if option.key not in describe.secrets():
                for each in value if isinstance(value, tuple) else (value,):
                    yield (flag, str(each)) if option.metavar else (flag,)


def given_headers(context: click.Context) -> list[str]:
    """The names of the headers that were given with --header."""
    texts, _ = context.meta.get(_GIVEN, {}).get(_ADDED, ((), ""))
    return [text.partition(":")[0] for text in texts]


def config_options(command: F) -> F:
    """Add -c CONF and --set section.key=value."""
    command = click.option(
        "--set",
        "assignments",
        metavar="SECTION.KEY=VALUE",
        multiple=True,
        help="Set any setting; may be repeated. `fetcher config` lists them.",
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
    help="For servers of your own: private addresses open, one attempt, and no "
    "politeness unless you set a pace.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
keys_option = click.option(
    "--keys", metavar="DIR", help="The folder of this role's keys; see `fetcher keys`."
)
insecure_option = click.option(
    "--insecure",
    is_flag=True,
    help="Work on a network without keys, although everyone there can then join.",
)


def settings_of(
    conf: Path | None,
    assignments: tuple[str, ...],
    *,
    own_servers: bool = False,
    **options: tuple[str, Value],
) -> load.Loaded:
    """The effective settings, including the options of SETTING_OPTIONS.

    `options`: section__key=(option's name, value or None); `own_servers`: whether that option was
    given, which all others override.
    """
    overrides = overrides_of(assignments)
    context = click.get_current_context(silent=True)
    given = dict(context.meta.get(_GIVEN, {})) if context else {}
    headers, origin = given.pop(_ADDED, ((), ""))
    overrides.update(given)
    for name, (option, chosen) in options.items():
        if chosen is not None:
            overrides[name.replace("__", ".", 1)] = (chosen, option)
    if own_servers:
        overrides = _own_servers(overrides) | overrides
    added = {_ADDED: (_headers(headers), origin)} if headers else {}
    loaded = load.load(conf, overrides=overrides, added=added)
    logs.use(loaded.settings.log.format)
    return _with_column(loaded) if _COLUMN in given else loaded


def overrides_of(assignments: Iterable[str]) -> dict[str, tuple[Value, str]]:
    """The settings that `--set` was given: values and origins. Raises ConfigError."""
    overrides: dict[str, tuple[Value, str]] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            # The text may hold a password, so only its beginning is shown.
            beginning = re.split(r"[^\w.-]", text, maxsplit=1)[0]
            raise ConfigError(f"--set {beginning}: write it as section.key=value")
        overrides[key.strip()] = (value.strip(), f"--set {key.strip()}")
    return overrides


def require_no_crawl_options(loaded: load.Loaded, remedy: str) -> None:
    """Raise UsageError if the command line has a setting that has a meaning only in a crawl.

    A file of settings may have them, as lists and crawls may share it. `remedy`: what to do.
    """
    flags = {
        flag
        for each in SETTING_OPTIONS
        if each.commands == CRAWLS
        for flag in each.flags.split("/")
    }
    for origin in loaded.origins.values():
        if origin in flags or origin.startswith(_SET_FOR_CRAWL):
            raise UsageError(f"{origin}: is for a crawl; {remedy}")


def _own_servers(given: Mapping[str, tuple[Value, str]]) -> dict[str, tuple[Value, str]]:
    """The settings of --own-servers; an option for a pace or robots.txt keeps politeness on."""
    preset: dict[str, tuple[Value, str]] = {
        key: (value, "--own-servers") for key, value in presets.OWN_SERVERS.items()
    }
    if any(
        key.startswith("polite.") and value not in (False, "false")
        for key, (value, _) in given.items()
    ):
        del preset["polite.enabled"]
        if "polite.enabled" not in given:
            preset["polite.delay_s"] = (0.0, "--own-servers")
    return preset


def _with_column(loaded: load.Loaded) -> load.Loaded:
    """With --column, the format is CSV, whatever the name of the file is."""
    asked = loaded.settings.input
    if asked.format not in ("auto", "csv"):
        origin = loaded.origins["input.format"]
        raise ConfigError(f"--column: is for CSV, and input.format = {asked.format} ({origin})")
    asked = msgspec.structs.replace(asked, format="csv")
    settings = msgspec.structs.replace(loaded.settings, input=asked)
    return load.Loaded(settings, loaded.origins)


def _headers(texts: tuple[str, ...]) -> list[str]:
    for text in texts:
        if not re.match(r"[^\s:]+:", text):  # not shown, as it may be a secret
            raise ConfigError("--header: write it as 'Name: value'")
    return list(texts)


def command_line(arguments: Sequence[str] | None = None) -> str:
    """The command line of this process, without values that may be secrets."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    shown = [
        _header_name(argument) if before == "--header" else without_secret(argument)
        for before, argument in zip(["", *given], given, strict=False)
    ]
    return shlex.join(["fetcher", *shown])


# What stands before the @ of a URL of any scheme, or of a user:password@host without one.
_CREDENTIALS: Final = re.compile(
    r"(?i)^(\s*https?:[/\\]*|\s*[a-z][a-z0-9+.-]*:[/\\]+|\s*(?=[^/\\?#\s:@]+:[^/\\?#\s]*@))[^/\\?#]*@"
)


def without_secret(argument: str) -> str:
    """The argument without the value of a header or a password."""
    option, equals, value = argument.partition("=")
    if option == "--header" and equals:
        return f"{option}={_header_name(value)}"
    prefix = "--set=" if argument.startswith("--set=") else ""
    name, equals, _ = argument.removeprefix(prefix).partition("=")
    if equals and name.strip() in describe.secrets():
        return f"{prefix}{name}={HIDDEN}"
    return _CREDENTIALS.sub(rf"\1{HIDDEN}@", argument)


def _header_name(text: str) -> str:
    name, colon, _ = text.partition(":")
    return f"{name}: {HIDDEN}" if colon else HIDDEN


def page_url(monitor: Monitor) -> str:
    """The URL of the live page."""
    host = f"[{monitor.host}]" if ":" in monitor.host else monitor.host
    return f"http://{host}:{monitor.http}/"
