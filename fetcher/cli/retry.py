"""`fetcher retry`: a job of the lines that failed in another."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from fetcher.cli.export import outcome_option, partial_option, status_option
from fetcher.cli.fail_on import fail_on_option
from fetcher.cli.options import (
    FILE,
    OUT,
    GroupedCommand,
    config_options,
    out_option,
    own_servers_option,
    quiet_option,
    setting_options,
    settings_of,
)
from fetcher.cli.run import carry_out
from fetcher.errors import ConflictError, InputError, UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.fetch.http.tls import check_files
from fetcher.input import selection
from fetcher.input.selection import Selection, Wanted
from fetcher.input.source import Source
from fetcher.model import Outcome
from fetcher.roles.preflight import require_own_code
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Input, Settings
from fetcher.store import manifest, reader
from fetcher.store.begun import begun_by, require_as_begun, require_same
from fetcher.store.lock import DirectoryLock
from fetcher.store.reader import Part
from fetcher.store.selection import keep
from fetcher.telemetry import logs


@click.command(cls=GroupedCommand, short_help="Fetch again what failed, into another OUT.")
@click.argument("parents", type=OUT, nargs=-1, required=True, metavar="OUT...")
@outcome_option
@status_option
@out_option
@click.option(
    "--urls",
    "urlfile",
    type=FILE,
    metavar="URLFILE",
    help="The URL file, if it has been moved.",
)
@partial_option
@setting_options("retry")
@config_options
@fail_on_option
@own_servers_option
@quiet_option
def retry(
    parents: tuple[Path, ...],
    outcomes: str | None,
    statuses: str | None,
    out: Path,
    urlfile: Path | None,
    partial: bool,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    quiet: bool,
) -> None:
    """Fetch the lines of OUT's input again that failed, and write their rows to another OUT.

    Which lines: those whose rows have one of the outcomes or statuses; without these options all
    that another try could change (dns, connect, tls, timeout, protocol, crashed, 429 and 5xx). Rows
    keep the number of their line, and requests their method, headers and body: the same URL file is
    read, which must not have changed. Settings are not those of OUT, but as given here. The same
    command resumes. A job with several sinks has an OUT of each: name them all.

    \b
    Examples:
      fetcher retry out -o out2
      fetcher retry out --outcome timeout -o out2 --timeout 120
      fetcher export out out2 -o all.parquet         # a row for each line, the newer where two are
    """
    wanted = selection.parse(outcomes, statuses)
    given = settings_of(conf, assignments, own_servers=own_servers)
    settings = given.settings
    logs.start(settings.log, "supervisor", "supervisor")
    check_files(settings.http)
    require_own_code(settings)
    if any(out.exists() and each.exists() and out.samefile(each) for each in parents):
        raise UsageError(f"-o {out}: is the directory to retry; name another one for the new rows")
    reader.read_all(parents)  # of one job alone
    merged = Merged(parents, partial=partial)
    first = merged.first
    urlfile = urlfile or reader.find_input(first.out, first.manifest)
    if urlfile is None:
        raise InputError(
            f"{first.manifest.input.path}: the URL file of {first.out} is not there; "
            "name it with --urls"
        )
    _require_lines_of(first, given)
    settings = _as_begun(settings, first)
    begun = _begun(out, first, wanted)
    if begun is None:
        begun = _begin(out, merged, wanted, Source(urlfile, settings.input))
        if begun is None:
            said = f"nothing to retry: no row of {first.out} matches {wanted}"
            logs.say(logs.own(said, "info"))
            return
    require_as_begun(out, urlfile, given)
    is_spooled = urlfile.name == manifest.SPOOL_NAME
    carry_out(
        urlfile,
        out,
        settings,
        quiet=quiet,
        selection=begun,
        name=first.manifest.input.name if is_spooled else "",
        unwanted=unwanted,
    )


def _require_lines_of(parent: Part, given: Loaded) -> None:
    """Lines are read as the parent read them. Raises ConflictError where a setting differs."""
    of_input = {key: origin for key, origin in given.origins.items() if key.startswith("input.")}
    begun = begun_by(parent.manifest)
    require_same(f"{parent.out} was begun with", begun, given.settings, of_input, "leave {} out")


def _as_begun(settings: Settings, of: Part) -> Settings:
    """Lines are read as they were for the parent."""
    begun = of.manifest.input.format
    asked = Input(format=begun.kind)
    if begun.kind == "csv":
        asked = Input(format="csv", url_column=begun.url_column, keep_columns=begun.keep_columns)
    return msgspec.structs.replace(settings, input=asked)


def _begun(out: Path, parent: Part, wanted: Wanted) -> Selection | None:
    """What an interrupted retry had chosen; None where there was none."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None:
        return None
    begun = found.selection
    if begun is None or begun.parent_job != parent.manifest.job:
        what = f"a retry of {begun.parent}" if begun else "a run of its own"
        raise ConflictError(f"{out} is {what}, not a retry of {parent.out}; choose another -o")
    if begun.wanted != wanted:
        raise ConflictError(
            f"{out} was begun with {begun.wanted}; resume it with these, or choose another -o"
        )
    return begun


def _begin(out: Path, merged: Merged, wanted: Wanted, source: Source) -> Selection | None:
    """Choose the lines and keep them in OUT; None where there are none."""
    parent = merged.first
    if source.format != parent.manifest.input.format:
        raise ConflictError(
            f"{source.path} is not the file that {parent.out} was begun with: its lines are "
            f"{source.format}, and were {parent.manifest.input.format}"
        )
    source.require_same(parent.view.source, str(parent.out))
    indexes = wanted_lines(merged, wanted)
    if not indexes.count():
        return None
    manifest.prepare(out)
    with DirectoryLock(out):
        # Another may have begun, or even ended, while the lock was waited for.
        return _begun(out, parent, wanted) or keep(out, indexes, merged.parts, wanted)
