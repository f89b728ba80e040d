"""`fetcher status`, `fetcher verify`, `fetcher config`: commands that only read."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from fetcher.cli import crawl_proof
from fetcher.cli.options import FILE, OUT, config_options, keys_option, settings_of
from fetcher.errors import Exit, UsageError
from fetcher.humanize import counted, duration, escaped, number, rates, size
from fetcher.settings import load
from fetcher.settings.load import Value
from fetcher.settings.sections_routes import KEY as ROUTES
from fetcher.telemetry import logs
from fetcher.verify.audit import SAMPLE_LINES, Audit, Report
from fetcher.verify.findings import MAX_LISTED
from fetcher.watch import client, crawl_view, summary
from fetcher.watch.status import Status, look
from fetcher.watch.terminal import job_text
from fetcher.watch.terminal.console import make_console


@click.command
@click.argument("outs", type=OUT, metavar="OUT...", nargs=-1)
@click.option(
    "--ventilator", "endpoint", metavar="TCP", help="Ask the ventilator at this address instead."
)
@click.option(
    "--timeout",
    "within_s",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    metavar="S",
    help="Seconds that a ventilator may take to answer (default: 5).",
)
@config_options
@keys_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, for programs.")
def status(
    outs: tuple[Path, ...],
    endpoint: str | None,
    within_s: float,
    keys: str | None,
    conf: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the lines that are done, by outcome, the total and the rate of the job in OUT.

    A job with several sinks has one OUT for each: name them all.

    A running ventilator also reports its workers, the lines in flight and the oldest lease. If it
    does not answer in time, the exit code is 7. If it has keys, give those of a worker.

    \b
    Examples:
      fetcher status out
      fetcher status out --json
      fetcher status --ventilator tcp://10.0.0.1:5700
    """
    if bool(outs) == (endpoint is not None):
        raise UsageError("status: name either OUT or --ventilator TCP")
    if outs:
        _show_directories(outs, as_json)
        return
    at = ("--ventilator", endpoint)
    folder = ("--keys", keys)
    settings = settings_of(conf, assignments, endpoints__ventilator=at, keys__dir=folder).settings
    logs.start(settings.log, "cli", "status")
    found = client.look(settings.endpoints.ventilator, within_s, settings.keys.dir)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        job_text.show(make_console(), found)


def _show_directories(outs: tuple[Path, ...], as_json: bool) -> None:
    found = look(outs)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    console = make_console()
    console.print(_headline(found), highlight=False, markup=False, soft_wrap=True)
    if found.live is not None:
        job_text.show_activity(console, found.live)
    if found.rows:
        console.print()
        console.print(summary.table(found.totals))
    for name, value in (*summary.crawl_lines(found.crawl), *summary.unchanged(found.totals)):
        console.print(f"{name:<9} {value}", highlight=False, markup=False, soft_wrap=True)


def _headline(found: Status) -> str:
    done = summary.done(found.rows, found.url_lines, exact=found.url_lines_exact)
    if found.crawl is not None and found.state != "complete":
        done = crawl_view.done(found.rows, found.crawl)
    parts = [f"{escaped(found.input)}: {found.state}", done]
    if found.retry_of is not None:
        parts.insert(1, f"a retry of {found.retry_of}")
    if found.refresh_of is not None:
        parts.insert(1, f"a refresh of {found.refresh_of}")
    parts += rates(found.rate_per_s, found.average_per_s)
    if found.state != "complete" and found.updated_s_ago is not None:
        parts.append(f"last commit {duration(found.updated_s_ago)} ago")
    if found.absent:
        parts.append(f"without {' and '.join(found.absent)}")
    return ", ".join(parts)


@click.command
@click.argument("outs", type=OUT, metavar="OUT...", nargs=-1, required=True)
@click.option(
    "--urls",
    type=FILE,
    metavar="URLFILE",
    help="The URL file, if it has been moved.",
)
@click.option(
    "--all-pages",
    is_flag=True,
    help="In a crawl, read the links of all kept pages again, not of a sample of 2,000 lines.",
)
def verify(outs: tuple[Path, ...], urls: Path | None, all_pages: bool) -> int:
    """Read all rows in OUT, and compare them with the journal and the URL file, line by line.

    A job with several sinks has one OUT for each: name them all, or only those to be proven. Exits
    with 0 if every URL line has exactly one row with its URL, and with 6 if not. Files and bytes
    that do not belong to a complete job are only warned of.

    In a crawl, each line of the log is judged again by its rules, links are compared with the log,
    and where bodies are kept as files or in rows, pages are compared with their links.

    \b
    Examples:
      fetcher verify out
      fetcher verify out --all-pages
      fetcher verify out --urls /elsewhere/urls.txt
    """
    report = Audit(outs, urls, None if all_pages else SAMPLE_LINES).run()
    _print_findings(report)
    if report.proven and report.crawl is not None:
        for line in crawl_proof.lines(report.crawl):
            click.echo(line)
    click.echo(_verdict(report))
    return Exit.DONE if report.proven else Exit.UNPROVEN


def _print_findings(report: Report) -> None:
    for line in () if report.is_only_unfinished else report.listed:
        click.echo(line)
    for kind, count in report.counts.items():
        if count > MAX_LISTED and not report.is_only_unfinished:
            click.echo(f"… {kind}: {number(count)} in all")
    for line in report.stray_files[:MAX_LISTED]:
        click.echo(f"warning: {line}")
    strays = len(report.stray_files)
    if strays > MAX_LISTED:
        click.echo(f"… files that do not belong to the job: {number(strays)} in all")
    if report.undigested_bytes:
        click.echo(
            f"{size(report.undigested_bytes)} were committed by an older version of fetcher, "
            "without a digest: damage within these rows may not be detected"
        )


def _verdict(report: Report) -> str:
    lines = "an unknown number of URL lines"
    if report.url_lines is not None:
        lines = counted(report.url_lines, "URL line")
    against = (
        f"compared with {report.compared_with}"
        if report.compared_with
        else "the URL file was not found (name it with --urls): compared with the journal only"
    )
    if report.missing_sinks:
        lines += " of these sinks"
        against += f"; {' and '.join(report.missing_sinks)}: not looked at"
    if report.proven:
        return f"proven: {lines}, {counted(report.rows, 'row')}, one each ({against})"
    hint = ""
    if report.is_only_unfinished:
        hint = "; the run has not ended: the same command resumes it"
        if report.is_running:
            hint = "; the run is still going on: verify it when it has ended"
    return f"NOT proven: {lines}, {counted(report.rows, 'row')} ({against}){hint}"


@click.command("config")
@config_options
def show_config(conf: Path | None, assignments: tuple[str, ...]) -> None:
    """Print every setting with its value and origin, as TOML that -c accepts.

    The environment (FETCHER_WORKER__POOL_SIZE=500) overrides a file (-c), and the command line
    overrides both. A value that may be a secret (headers, a proxy's password, a token) is shown as
    …, and its line is a comment.

    \b
    Examples:
      fetcher config
      fetcher config -c fetcher.toml --set worker.pool_size=500
      fetcher config > my.toml
    """
    loaded = settings_of(conf, assignments)
    public = load.without_secrets(loaded.settings)
    for section, values in load.dump(loaded.settings).items():
        if section == ROUTES:
            _show_routes(loaded)
            continue
        click.echo(f"[{section}]")
        shown = {key: _line(key, value, public[section][key]) for key, value in values.items()}
        width = max(map(len, shown.values()))
        for key, text in shown.items():
            origin = loaded.origins.get(f"{section}.{key}", "default")
            click.echo(f"{text:<{width}}  # {origin}")
        click.echo()


def _show_routes(loaded: load.Loaded) -> None:
    for route in loaded.settings.routes:
        click.echo(f"[[{ROUTES}]]  # {loaded.origins[ROUTES]}")
        click.echo(f"name = {load.toml(route.name)}\nmatch = {load.toml(list(route.match))}")
        for key in ("queue", "workers"):
            if value := getattr(route, key):
                click.echo(f"{key} = {load.toml(value)}")
        click.echo()


def _line(key: str, value: Value, public: Value) -> str:
    # A placeholder for a secret is in a comment, so that -c does not read it as the value.
    return f"{'' if public == value else '# '}{key} = {load.toml(public)}"
