"""What a retry and a refresh take over from the first job: its lines, and how it read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from fetcher.errors import ConflictError, InputError, UsageError
from fetcher.input.source import Source
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Input, Settings
from fetcher.store import reader
from fetcher.store.begun import fixed_settings_of, require_same
from fetcher.store.manifest import SPOOL_NAME, Manifest
from fetcher.store.reader import Part


def require_other_directory(out: Path, parents: Sequence[Path], what: str) -> None:
    """Raises UsageError if OUT is that of the first job. `what`: the verb for the message."""
    if any(out.exists() and each.exists() and out.samefile(each) for each in parents):
        raise UsageError(f"-o {out}: is the directory to {what}; name another one for the new rows")


def refuse_urlfile(urlfile: Path | None) -> None:
    """Raises UsageError if a URL file is given: a crawl has its log."""
    if urlfile is not None:
        raise UsageError(f"--urls {urlfile}: the lines of a crawl are in its log; leave it out")


def input_of(first: Part) -> Path:
    """The URL file of the first job. Raises InputError."""
    found = reader.find_input(first.out, first.manifest)
    if found is None:
        raise InputError(
            f"{first.manifest.input.path}: the URL file of {first.out} is not there; "
            "name it with --urls"
        )
    return found


def name_of(first: Manifest, urlfile: Path) -> str:
    """The name of the lines for people; "": that of their file."""
    return first.input.name if urlfile.name == SPOOL_NAME else ""


def require_same_settings(first: Part, given: Loaded, is_fixed: Callable[[str], bool]) -> None:
    """Raises ConflictError if a given setting contradicts the first job.

    `is_fixed`: whether the first job decides about a setting, by `section.key`.
    """
    fixed = {key: origin for key, origin in given.origins.items() if is_fixed(key)}
    begun = fixed_settings_of(first.manifest)
    require_same(f"{first.out} was begun with", begun, given.settings, fixed, "leave {} out")


def with_input(settings: Settings, first: Manifest) -> Settings:
    """The settings, with those that read the lines as the first job did."""
    begun = first.line_format
    if begun.kind != "csv":
        return replace(settings, input=Input(format=begun.kind))
    csv = Input(format="csv", url_column=begun.url_column, keep_columns=begun.keep_columns)
    return replace(settings, input=csv)


def with_robots(first: Manifest, given: Loaded) -> Settings:
    """The given settings; unless one says so, robots.txt is obeyed as in the first job's crawl."""
    settings, rules = given.settings, first.crawl
    is_chosen = "polite.robots" in given.origins or not settings.polite.enabled
    if rules is None or is_chosen:
        return settings
    return replace(settings, polite=replace(settings.polite, robots=rules.robots))


def require_same_lines(first: Part, source: Source) -> None:
    """Raises ConflictError unless the file is still the one that the first job read."""
    if source.format != first.manifest.input.format:
        raise ConflictError(
            f"{source.path} is not the file that {first.out} was begun with: its lines are "
            f"{source.format}, and were {first.manifest.input.format}"
        )
    source.require_same(first.view.source, str(first.out))
