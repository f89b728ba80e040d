"""`fetcher ventilator`, `fetcher worker`, `fetcher sink`: run one role on this host."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click
import msgspec

from fetcher.cli.inputs import INPUT, one_file, require_csv
from fetcher.cli.options import (
    GroupedCommand,
    command_line,
    config_options,
    insecure_option,
    keys_option,
    out_option,
    own_servers_option,
    quiet_option,
    require_no_crawl_options,
    setting_options,
    settings_of,
)
from fetcher.engines.interrupts import Signals
from fetcher.engines.workers import run_workers
from fetcher.errors import StoppedError, UsageError
from fetcher.fetch.transfer.tls import check_files
from fetcher.frontier.rules_of_settings import rules_of
from fetcher.roles import main
from fetcher.roles.spec import RoleSpec
from fetcher.settings.crawl_defaults import of_crawl
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.transport.endpoints import refuse_open_network
from fetcher.watch.display import choose_display

_endpoints = (
    click.option("--ventilator", "at_ventilator", metavar="TCP", help="The ventilator's endpoint."),
    click.option(
        "--sink",
        "at_sinks",
        metavar="TCP",
        multiple=True,
        help="The sink's endpoint; repeat it for each of several sinks.",
    ),
    keys_option,
    insecure_option,
)


def _with_endpoints(command: Any) -> Any:
    for option in reversed(_endpoints):
        command = option(command)
    return command


def _settings(
    conf: Path | None,
    assignments: tuple[str, ...],
    at_ventilator: str | None,
    at_sinks: tuple[str, ...],
    keys: str | None,
    *,
    own_servers: bool = False,
) -> Loaded:
    return settings_of(
        conf,
        assignments,
        endpoints__ventilator=("--ventilator", at_ventilator),
        endpoints__sink=("--sink", ",".join(at_sinks) or None),
        keys__dir=("--keys", keys),
        own_servers=own_servers,
    )


def _run_role(role: str, settings: Settings, *, quiet: bool, **fields: Any) -> int:
    return main.run(
        RoleSpec(
            role=role,
            name=role,
            settings=settings,
            ventilator=settings.endpoints.ventilator,
            sinks=settings.endpoints.sink,
            session=secrets.token_hex(8),
            keys=settings.keys.dir,
            has_parent=False,
            announces=not quiet,
            **fields,
        )
    )


@click.command(cls=GroupedCommand)
@click.argument("given", type=INPUT, metavar="URLFILE")
@click.option(
    "--crawl", "is_crawl", is_flag=True, help="URLFILE holds seeds: follow the links of pages."
)
@_with_endpoints
@setting_options("ventilator")
@config_options
@quiet_option
def ventilator(
    given: str | Path,
    is_crawl: bool,
    at_ventilator: str | None,
    at_sinks: tuple[str, ...],
    conf: Path | None,
    assignments: tuple[str, ...],
    quiet: bool,
    keys: str | None,
    insecure: bool,
) -> int:
    """Read URLFILE and hand out its lines until the sink has a row for each.

    It may be started before or after the others, and stopped and started again at any time: only
    the sink stores what is done.

    With --crawl, URLFILE holds the seeds of a crawl, as for `fetcher crawl`. Sink and workers are
    started as for a list, and workers obey robots.txt if the ventilator says so.

    \b
    Examples:
      fetcher ventilator urls.txt
      fetcher ventilator --crawl seeds.txt --scope domain
      fetcher ventilator urls.txt --ventilator tcp://10.0.0.1:5700 --sink tcp://10.0.0.2:5710 \\
          --keys ventilator
    """
    loaded = _settings(conf, assignments, at_ventilator, at_sinks, keys)
    if is_crawl:
        loaded = of_crawl(loaded)
    else:
        require_no_crawl_options(loaded, "add --crawl")
    urlfile = one_file(given)
    require_csv(urlfile, loaded)
    return _run_role(
        "ventilator",
        loaded.settings,
        crawl=rules_of(loaded.settings) if is_crawl else None,
        quiet=quiet,
        given=loaded.origins,
        urlfile=str(urlfile),
        insecure=insecure,
        command=command_line(),
    )


@click.command(cls=GroupedCommand)
@_with_endpoints
@setting_options("worker")
@config_options
@own_servers_option
@quiet_option
def worker(
    at_ventilator: str | None,
    at_sinks: tuple[str, ...],
    conf: Path | None,
    assignments: tuple[str, ...],
    own_servers: bool,
    quiet: bool,
    keys: str | None,
    insecure: bool,
) -> None:
    """Fetch what the ventilator hands out, and send the rows to the sink; one process per core.

    Workers may join and leave at any time. After Ctrl-C, requests in flight finish.

    \b
    Examples:
      fetcher worker
      fetcher worker --ventilator tcp://10.0.0.1:5700 --sink tcp://10.0.0.2:5710 \\
          --keys worker-a --processes 8
    """
    settings = _settings(
        conf, assignments, at_ventilator, at_sinks, keys, own_servers=own_servers
    ).settings
    logs.start(settings.log, "supervisor", "supervisor", announces=not quiet)
    if not (settings.keys.dir or insecure):
        refuse_open_network("endpoints.ventilator", settings.endpoints.ventilator)
        refuse_open_network("endpoints.sink", *settings.endpoints.sink)
    check_files(settings.http)
    display = choose_display(quiet=quiet, interval_s=settings.log.progress_interval_s)
    try:
        run_workers(settings, display, Signals())
    finally:
        display.close()


def _only_sink(settings: Settings, number: int | None) -> Settings:
    """The settings with only the endpoint of this sink."""
    sinks = settings.endpoints.sink
    if number is None and len(sinks) > 1:
        raise UsageError(
            f"endpoints.sink lists {len(sinks)} sinks: say with --number which of them this one is"
        )
    if number is not None and number > len(sinks):
        raise UsageError(
            f"--number {number}: endpoints.sink lists {len(sinks)} sinks; name one of these"
        )
    own = sinks[number - 1 if number else 0]
    endpoints = msgspec.structs.replace(settings.endpoints, sink=(own,))
    return msgspec.structs.replace(settings, endpoints=endpoints)


def _given_to_sink(loaded: Loaded, conf: Path | None) -> dict[str, str]:
    """The origins of settings that this sink insists on.

    A file is shared by all roles, and the ventilator may override its settings of batches and
    input. So a sink insists only on output settings, and on what its own options say.
    """
    return {
        key: origin
        for key, origin in loaded.origins.items()
        if key.startswith("output.") or origin != str(conf)
    }


@click.command(cls=GroupedCommand)
@out_option
@click.option(
    "--number", type=click.IntRange(1), metavar="N", help="Which of several sinks this is, from 1."
)
@_with_endpoints
@setting_options("sink")
@config_options
@quiet_option
def sink(
    out: Path,
    number: int | None,
    at_ventilator: str | None,
    at_sinks: tuple[str, ...],
    conf: Path | None,
    assignments: tuple[str, ...],
    quiet: bool,
    keys: str | None,
    insecure: bool,
) -> int:
    """Write rows to OUT durably, and report to the ventilator what is done; leave when all is.

    \b
    Examples:
      fetcher sink -o out
      fetcher sink -o out --sink tcp://10.0.0.2:5710 --keys sink
      fetcher sink -o out2 -c cluster.toml --number 2
    """
    loaded = _settings(conf, assignments, at_ventilator, at_sinks, keys)
    settings = _only_sink(loaded.settings, number)
    fields = {"out": str(out), "number": number or 1, "given": _given_to_sink(loaded, conf)}
    try:
        return _run_role("sink", settings, quiet=quiet, insecure=insecure, **fields)
    except StoppedError as error:
        raise StoppedError(f"{error}; what was committed is safe in {out}") from error
