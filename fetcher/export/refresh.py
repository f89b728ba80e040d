"""Prepares a refresh: the lines of a job, or a crawl, are fetched again into a new OUT.

OUT gets a folder with what workers need of the first job (store.parent_files). The folder depends
on that job alone, so a refresh that resumes can make it again.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from msgspec.structs import asdict, replace

from fetcher.errors import ConflictError, UsageError
from fetcher.export.first_job import (
    input_of,
    name_of,
    refuse_urlfile,
    require_other_directory,
    require_same_lines,
    require_same_settings,
    with_input,
    with_robots,
)
from fetcher.export.merged import Merged
from fetcher.frontier.rules import CrawlRules
from fetcher.humanize import number
from fetcher.input.refresh import Refresh
from fetcher.input.source import Source
from fetcher.optional import require_crawl_libraries
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings
from fetcher.store import manifest, parent_files, spool
from fetcher.store.begun import require_as_begun
from fetcher.store.lock import DirectoryLock
from fetcher.store.log_source import LogSource
from fetcher.store.manifest import SPOOL_NAME
from fetcher.store.parent_files import Built
from fetcher.store.reader import Part

_IN_ROWS_OR_FILES: Final = frozenset({"inline", "files"})


class RefreshRequest(NamedTuple):
    """Which job is to be fetched again."""

    parents: Sequence[Path]  # its OUTs, and those of its retries, oldest first
    urlfile: Path | None = None  # None: where the job found it
    partial: bool = False  # accept a job that has not ended


class PreparedRefresh(NamedTuple):
    """The job to run."""

    urlfile: Path
    settings: Settings
    refresh: Refresh
    crawl: CrawlRules | None  # None: a list
    input_name: str  # "": the name of the URL file
    notice: str  # what people should know when it begins; "": nothing new


def prepare(out: Path, request: RefreshRequest, given: Loaded) -> PreparedRefresh:
    """Prepare a refresh in OUT, or resume one.

    Raises UsageError, InputError, ConflictError, DamageError, NoSpaceError.
    """
    require_other_directory(out, request.parents, "refresh")
    merged = Merged(request.parents, partial=request.partial)
    first = merged.first
    _require_whole(merged.parts)
    if first.manifest.crawl is not None:
        require_crawl_libraries("fetcher refresh of a crawl")
    _require_same_refresh(out, first)
    require_same_settings(first, given, _is_fixed)
    settings = _settings_of(first, given)
    urlfile = _urlfile(out, first, request.urlfile, settings)
    require_as_begun(out, urlfile, given)
    return PreparedRefresh(
        urlfile,
        settings,
        Refresh(_quoted(merged.parts), first.manifest.job),
        first.manifest.crawl,
        name_of(first.manifest, urlfile),
        _built(out, merged.parts, settings),
    )


def _require_whole(parts: Sequence[Part]) -> None:
    first = parts[0]
    if first.manifest.selection is not None:
        raise UsageError(
            f"{first.out}: retries some lines of {first.manifest.selection.parent}; name that "
            "first, and this one after it"
        )
    if first.manifest.crawl is not None and len(parts) > 1:
        raise UsageError(
            f"{parts[1].out}: the links of retried pages were not followed; name the crawl "
            f"{first.out} alone"
        )


def _require_same_refresh(out: Path, first: Part) -> None:
    """Raises ConflictError if OUT has another job than a refresh of the first one."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None or (found.refresh and found.refresh.parent_job == first.manifest.job):
        return
    what = f"a refresh of {found.refresh.parent}" if found.refresh else "a run of its own"
    raise ConflictError(f"{out} is {what}, not a refresh of {first.out}; choose another -o")


def _is_fixed(key: str) -> bool:
    """Whether the first job decides about a setting, by `section.key`."""
    return key.startswith(("input.", "crawl.")) or key == "polite.robots"


def _settings_of(first: Part, given: Loaded) -> Settings:
    """The given settings; rows and bodies are kept as in the first job, unless one says so."""
    settings = with_input(with_robots(first.manifest, given), first.manifest)
    kept = asdict(first.manifest.output)
    del kept["body_names"]
    chosen = {name: value for name, value in kept.items() if f"output.{name}" not in given.origins}
    return replace(settings, output=replace(settings.output, **chosen))


def _quoted(parts: Sequence[Part]) -> str:
    # A link such as `latest` leads to another OUT later.
    return shlex.join(str(part.out.resolve()) for part in parts)


def _urlfile(out: Path, first: Part, given: Path | None, settings: Settings) -> Path:
    """The file of the lines, or of the seeds of a crawl."""
    is_begun = out.is_dir() and manifest.read(out) is not None
    if first.manifest.crawl is not None:
        refuse_urlfile(given)
        return out / SPOOL_NAME if is_begun else _seeds(out, first)
    if is_begun and (out / SPOOL_NAME).exists():
        return out / SPOOL_NAME
    urlfile = given or input_of(first)
    if not is_begun:
        require_same_lines(first, Source(urlfile, settings.input))
    # The OUT of the first job may be removed later, and with it lines that came from a pipe.
    return urlfile if urlfile.name != SPOOL_NAME else _copied(out, urlfile)


def _copied(out: Path, urlfile: Path) -> Path:
    def write(file: BinaryIO) -> None:
        with urlfile.open("rb") as source:
            shutil.copyfileobj(source, file)

    return spool.keep(out, write, str(urlfile))


def _seeds(out: Path, first: Part) -> Path:
    """The seeds of a crawl in OUT: the first lines of its log."""
    seeds = 0 if first.view.crawl is None else first.view.crawl.seed_lines

    def write(file: BinaryIO) -> None:
        for _, text in islice(LogSource(first).url_lines(), seeds):
            file.write(text + b"\n")

    return spool.keep(out, write, f"the seeds of {first.out}")


def _built(out: Path, parts: Sequence[Part], settings: Settings) -> str:
    """Make the folder for workers, if it is needed; return what people should know."""
    found = manifest.read(out) if out.is_dir() else None
    if found is not None and (found.state == "complete" or parent_files.are_of(out, parts)):
        return ""
    why = _why_in_full(parts, settings)
    manifest.prepare(out)
    with DirectoryLock(out):
        built = parent_files.build(out, parts, is_conditional=not why)
    return _notice(built, why)


def _why_in_full(parts: Sequence[Part], settings: Settings) -> str:
    """Why no page can be taken over from the first job; "": they can."""
    first, kept = parts[0].manifest, {part.manifest.output.bodies for part in parts}
    bodies = settings.output.bodies
    if bodies == "warc" and "warc" not in kept:
        return f"{parts[0].out} has no WARC records to take over"
    if bodies in _IN_ROWS_OR_FILES and not kept & _IN_ROWS_OR_FILES:
        return f"{parts[0].out} has no bodies in rows or files to take over"
    handler = str(first.settings.get("worker", {}).get("handler", ""))
    if handler != settings.worker.handler:
        return f"worker.handler was {handler!r} for {parts[0].out}, and is another one now"
    if first.crawl is not None and not first.crawl.keep_links:
        return f"{parts[0].out} has no links to take over (crawl.keep_links = false)"
    return ""


def _notice(built: Built, why: str) -> str:
    if why:
        return f"all pages are fetched in full, because {why}"
    return (
        f"{number(built.with_validators)} of {number(built.pages)} earlier answers have an ETag or "
        "a Last-Modified, and are sent again only if they have changed"
    )
