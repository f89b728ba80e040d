"""The output directory as the sink writes it.

OutputDirectory has the lock and the manifest; Store has the journal and the segments.
They are opened in this order: lock, manifest, journal, segments. The holder of a Store is the only
writer.
"""

from __future__ import annotations

import contextlib
import datetime
import platform
import secrets
import shlex
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from fetcher import __version__
from fetcher.commit.committer import Delta, Kept
from fetcher.errors import ConflictError, DamageError
from fetcher.input.formats import RULES
from fetcher.protocol.messages import InputSpec, Open
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store import journal, reader, zstd
from fetcher.store import manifest as manifests
from fetcher.store.agreement import fixed_part, require_agreement
from fetcher.store.bodies import BodyFiles, BodyStore, WarcFiles
from fetcher.store.inspection import BodyOf, body_files, require_input
from fetcher.store.journal import Journal
from fetcher.store.lock import DirectoryLock
from fetcher.store.manifest import InputFacts, Manifest, how_begun
from fetcher.store.revisits import Revisits
from fetcher.store.segments import Segments, SegmentState
from fetcher.store.versions import version_of

if TYPE_CHECKING:
    from fetcher.store.crawl_files import CrawlFiles


class OutputDirectory:
    """A locked OUT, before its job is known. Raises ConflictError, DamageError.

    `ventilator`: the endpoint of the job's ventilator, for commands on this host; "": not known.
    """

    def __init__(self, out: Path, ventilator: str = "") -> None:
        manifests.prepare(out)
        self.path = out
        self._lock = DirectoryLock(out, note=ventilator)
        try:
            self.manifest = _manifest_of(out)
        except BaseException:
            self._lock.close()
            raise

    def begin(self, request: Open) -> Manifest:
        """Begin the job, or resume the one that is there; returns its manifest.

        Raises ConflictError if the job in OUT is another one.
        """
        if request.input.crawl is not UNSET and request.share.of > 1:
            raise ConflictError(
                f"{self.path}: a crawl has one sink, and this is {request.share}; name one sink "
                "alone in endpoints.sink"
            )
        if self.manifest is None:
            # The journal comes first, as a manifest without a journal means damage.
            manifest = _new_manifest(request)
            with contextlib.closing(Journal(self.path / manifests.JOURNAL_NAME)) as journal:
                journal.begin(fixed_part(manifest))
            self.manifest = manifest
            manifests.write(self.path, self.manifest)
        else:
            self._require_same(self.manifest, request.input)
            self._require_share(self.manifest, request)
            self._require_same_lines(self.manifest, request.input)
            self._require_same_refresh(self.manifest, request.input)
            self._require_same_crawl(self.manifest, request.input)
            if self.manifest.format != manifests.FORMAT:  # older versions must not resume it
                self.manifest.format = manifests.FORMAT
                self.save()
        return self.manifest

    def _require_share(self, begun: Manifest, request: Open) -> None:
        if begun.share != request.share:
            raise ConflictError(
                f"{self.path} was begun as {begun.share}, and now it is {request.share}; "
                "set endpoints.sink as it was, or choose another OUT"
            )
        if request.job not in ("", begun.job):
            raise ConflictError(
                f"{self.path} and the first sink's OUT were begun as different jobs; "
                "give each sink its own OUT of this job, or new ones to all"
            )

    def _require_same(self, manifest: Manifest, now: InputSpec) -> None:
        begun = manifest.input
        if begun.bytes != now.file_bytes and begun.path == now.path:
            raise ConflictError(
                f"{now.path} has changed since {self.path} was begun with it ({begun.bytes:,} "
                f"bytes then, {now.file_bytes:,} now). To resume that job, restore the file; to "
                "fetch it as it is now, choose another OUT"
            )
        if begun.bytes != now.file_bytes:
            raise ConflictError(
                f"{self.path} belongs to another job, {how_begun(manifest)} "
                f"({begun.bytes:,} bytes); {now.name} has {now.file_bytes:,} bytes. To resume that "
                "job, name its file; for a new one, choose another OUT"
            )
        if begun.line_rules != RULES:
            raise ConflictError(
                f"{self.path} was begun by another version of fetcher, which reads the lines of "
                f"{begun.name} by other rules; resume it with that version, or choose another OUT"
            )
        # The kept columns stay as the job was begun; the sink's answer names them.
        now = replace(now, format=replace(now.format, keep_columns=begun.format.keep_columns))
        if str(begun.format) == str(now.format) and begun.format != now.format:
            raise ConflictError(
                f"{self.path} was begun with other columns than the first line of {now.name} "
                "names; restore that line, or choose another OUT"
            )
        if begun.format != now.format:
            raise ConflictError(
                f"{self.path} was begun with lines of the format {begun.format}, and now it is "
                f"{now.format}; set [input] as it was, or choose another OUT"
            )

    def _require_same_lines(self, begun: Manifest, now: InputSpec) -> None:
        if begun.selection is None:
            if now.selection is not UNSET:
                raise ConflictError(
                    f"{self.path} was begun with all lines of {begun.input.name}, and now it "
                    "should be some of them; choose another OUT"
                )
        elif now.selection is UNSET or not begun.selection.same_lines(now.selection):
            raise ConflictError(
                f"{self.path} retries lines of {begun.selection.parent}; resume it with "
                f"`fetcher retry {begun.selection.parent} {begun.selection.wanted} "
                f"-o {self.path}`, or choose another OUT"
            )

    def _require_same_refresh(self, begun: Manifest, now: InputSpec) -> None:
        was, wanted = begun.refresh, None if now.refresh is UNSET else now.refresh
        if (was and was.parent_job) == (wanted and wanted.parent_job):
            return
        if was is None:
            raise ConflictError(
                f"{self.path} was begun with {begun.input.name} and does not refresh another job; "
                "choose another OUT"
            )
        raise ConflictError(
            f"{self.path} refreshes {was.parent}; resume it with `fetcher refresh {was.parent} "
            f"-o {self.path}`, or choose another OUT"
        )

    def _require_same_crawl(self, begun: Manifest, now: InputSpec) -> None:
        rules = None if now.crawl is UNSET else now.crawl
        if begun.crawl == rules:
            return
        if begun.crawl is None or rules is None:
            was, wanted = ("a list", "a crawl") if rules else ("a crawl", "a list")
            raise ConflictError(
                f"{self.path} was begun with {begun.input.name} as {was}, and now it should be "
                f"{wanted}; choose another OUT"
            )
        names = [
            name
            for name in rules.__struct_fields__
            if getattr(rules, name) != getattr(begun.crawl, name)
        ]
        raise ConflictError(
            f"{self.path} was begun with another crawl.{names[0]} "
            f"({getattr(begun.crawl, names[0])!r}, and now {getattr(rules, names[0])!r}); "
            "set [crawl] as it was, or choose another OUT"
        )

    def save(self) -> None:
        """Write the changed manifest."""
        assert self.manifest is not None
        manifests.write(self.path, self.manifest)

    def require_held(self) -> None:
        """Raises DamageError if the lock file was removed: another process may write here, too."""
        self._lock.require_held()

    def close(self) -> None:
        self._lock.close()


class Store:
    """The rows, bodies and journal of a begun job; implements commit.committer.CommitStore."""

    def __init__(
        self,
        out: Path,
        manifest: Manifest,
        segment_bytes: int,
        warc_begins: Callable[[str], bytes] | None = None,
    ) -> None:
        """`segment_bytes`: size at which a new segment is begun; `warc_begins`: returns the first
        bytes of the WARC file of this name.
        """
        self._out, self._manifest, output = out, manifest, manifest.output
        self.journal = Journal(out / manifests.JOURNAL_NAME)
        known = self.journal.facts()
        # Before anything is written according to the manifest.
        require_agreement(out, manifest, known)
        if known.manifest is None:
            self.journal.adopt(fixed_part(manifest), manifest.share_url_lines)
        self._rows = self.journal.recover().totals.rows
        states = self.journal.segments()
        bodies = {name: n for name, n in states.items() if name.startswith(f"{BODIES_NAME}/")}
        rows = {name: n for name, n in states.items() if "/" not in name}
        self.segments = Segments(out / manifests.RESULTS_NAME, output.suffix, segment_bytes, rows)
        self._pack = zstd.packed if output.compression == "zstd" else None
        self._bodies: BodyStore | None = None
        if output.bodies == "warc":
            revisits = Revisits() if output.warc_dedupe else None
            self._bodies = WarcFiles(out, segment_bytes, bodies, warc_begins, revisits)
        elif output.bodies == "files":
            self._bodies = BodyFiles(out, _parents_of(manifest))
        self.crawl: CrawlFiles | None = None
        if manifest.crawl is not None:
            self.crawl = self._crawl_files(segment_bytes, states)

    def _crawl_files(self, segment_bytes: int, states: Mapping[str, SegmentState]) -> CrawlFiles:
        # Only crawls import numpy.
        from fetcher.store.crawl_files import CrawlFiles  # noqa: PLC0415

        self.crawl_record = self.journal.crawl(lambda: secrets.randbits(63))
        return CrawlFiles(self._out, segment_bytes, states, self.crawl_record)

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        if self._bodies is not None:
            self._bodies.append(kept)
        self.segments.append([self._pack(rows)] if self._pack and rows else rows)

    def sync(self) -> None:
        if self._bodies is not None:
            self._bodies.sync()
        self.segments.sync()

    def record(self, delta: Delta) -> None:
        of_bodies = self._bodies.states() if self._bodies else []
        of_crawl = self.crawl.states() if self.crawl is not None else []
        count = delta.totals.rows - self._rows
        states = [self.segments.state(count), *of_bodies, *of_crawl]
        self.journal.record(delta, states, time.time())
        self._rows = delta.totals.rows
        self.segments.committed(count)
        if self._bodies is not None:
            self._bodies.committed()
        if self.crawl is not None and delta.crawl is not None:
            self.crawl.committed(delta.crawl)

    def resume_work(self) -> None:
        """Count the time from now on as time at work; see Journal.resume_work."""
        self.journal.resume_work(time.time())

    def inspect(self, body_of: BodyOf) -> Iterator[None]:
        """Check all files of the job; see inspection. Raises DamageError.

        Yields between the steps, so that the caller can do other work.
        """
        require_input(self._out, self._manifest)
        self.segments.require_all()
        if self._bodies is not None:
            self._bodies.require_all()
        if self.crawl is not None:
            self.crawl.require_all()
        self.journal.require_kept()
        yield
        if self._manifest.output.bodies == "files":
            states, output = self.journal.segments(), self._manifest.output
            segments = reader.segments_in(self._out, states, output)
            yield from body_files(segments, self._out, body_of)

    def close(self) -> None:
        self.segments.close()
        if self._bodies is not None:
            self._bodies.close()
        if self.crawl is not None:
            self.crawl.close()
        self.journal.close()


def _parents_of(manifest: Manifest) -> list[Path]:
    """The OUTs that a refresh has equal bodies with."""
    refresh = manifest.refresh
    return [] if refresh is None else [Path(out) for out in shlex.split(refresh.parent)]


def _manifest_of(out: Path) -> Manifest | None:
    """The manifest of the job in OUT; None if no job was begun.

    Raises DamageError if the manifest or the journal is missing.
    """
    found = manifests.read(out)
    if found is not None and not (out / manifests.JOURNAL_NAME).exists():
        raise DamageError(
            f"{out}: {manifests.JOURNAL_NAME} is missing, so the rows cannot be proven; "
            "restore a backup of OUT"
        )
    if found is None and _holds_work(out):
        raise DamageError(
            f"{out}: {manifests.MANIFEST_NAME} is missing, and with it which job its rows are of; "
            "restore it, or choose another OUT"
        )
    return found


def _holds_work(out: Path) -> bool:
    """Whether OUT holds rows, or knows its input: then its manifest had been written."""
    if any(part.stat().st_size for part in (out / manifests.RESULTS_NAME).glob("*")):
        return True
    path = out / manifests.JOURNAL_NAME
    with contextlib.suppress(DamageError):  # it is not complete yet, or nobody can use it
        begun = journal.view(path) if path.exists() else None
        return begun is not None and bool(begun.recovered.totals.rows + begun.source.checked_bytes)
    return False


def _new_manifest(request: Open) -> Manifest:
    return Manifest(
        job=request.job or uuid.uuid4().hex,
        created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        input=InputFacts(
            request.input.name,
            request.input.path,
            request.input.file_bytes,
            request.input.format,
            line_rules=RULES,
        ),
        batch_size=request.batch_size,
        share=request.share,
        output=request.output,
        settings=request.settings,
        selection=None if request.input.selection is UNSET else request.input.selection,
        crawl=None if request.input.crawl is UNSET else request.input.crawl,
        refresh=None if request.input.refresh is UNSET else request.input.refresh,
        versions={
            "fetcher": __version__,
            "python": platform.python_version(),
            **{name: version_of(name) for name in ("gevent", "requests", "pyzmq")},
        },
    )
