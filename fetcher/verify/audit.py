"""`fetcher verify`: proves from the files that every URL line has exactly one row.

It trusts no total that it can count itself. It reads the rows up to their committed lengths, and
compares them with the journal and the URL file. It uses one bit of memory per line, and one number
per block of lines.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from fetcher.bitset import IdSet
from fetcher.errors import ConflictError, DamageError
from fetcher.humanize import counted
from fetcher.input import formats, lines
from fetcher.input.source import Source
from fetcher.model import Result, Task
from fetcher.optional import require_crawl_libraries
from fetcher.rows.forms import CODECS
from fetcher.store import reader
from fetcher.store.lock import is_locked
from fetcher.store.log_source import FRONTIER_NAME, LogSource
from fetcher.store.reader import Part, Segment
from fetcher.store.selection import SelectedLines
from fetcher.verify.balance import is_balanced
from fetcher.verify.bodies import BodyAudit
from fetcher.verify.findings import Findings
from fetcher.verify.stray_files import stray_files

if TYPE_CHECKING:
    from fetcher.verify.crawl import CrawlAudit, CrawlProof  # loads numpy, which lists do not need

SAMPLE_LINES: Final = 2000
_BLOCK_LINES: Final = 4096
_MAX_BLOCKS: Final = 25  # blocks that are compared line by line, as each takes memory

Lines = Source | LogSource  # the lines of a job: of its URL file, or of a crawl's log


class Report(msgspec.Struct):
    """The result of an audit."""

    rows: int
    url_lines: int | None  # None: not known
    compared_with: Path | None  # the URL file; None: it was not found
    counts: dict[str, int]  # findings by kind
    listed: list[str]  # the first findings of each kind
    missing_sinks: list[str]  # sinks of the job whose OUT was not given
    undigested_bytes: int  # committed by an older version, without a digest
    stray_files: list[str]  # files and bytes that do not belong to the job; not a finding
    is_running: bool  # when the audit began
    has_ended: bool  # every sink has called the job complete
    crawl: CrawlProof | None = None  # None: the job is a list

    @property
    def proven(self) -> bool:
        return not self.counts

    @property
    def is_only_unfinished(self) -> bool:
        """Whether nothing is wrong but that the job has not ended."""
        return not self.has_ended and bool(self.counts) and self.counts.keys() <= _UNFINISHED


NO_ROW = "no row"
NOT_IN_LOG = "not yet in the log of the crawl"
_UNFINISHED: Final = {NO_ROW, NOT_IN_LOG}
TWICE = "more than one row"
NO_LINE = "a row, but no such URL line"
OTHER_URL = "the row has another URL than the line"
OTHER_ID = "the row has another id than the line"
OTHER_FINDER = "the row has another depth, from, via or id than the line of the log"
NOT_PARSED = "not a valid row"
NOT_WRITTEN = "not a row as fetcher writes it"
NOT_IN_JOURNAL = "a row that the journal does not have"
OTHER_LINES = "rows differ from these lines"
TOTALS = "differs from the journal"
OTHER_BYTES = "its bytes are not those that were committed"


class Audit:
    """An audit of a job, given the OUT of each of its sinks.

    Raises UsageError, InputError, ConflictError, DamageError.
    """

    def __init__(
        self,
        outs: Sequence[Path],
        urlfile: Path | None,
        sample_lines: int | None = SAMPLE_LINES,
    ) -> None:
        """`sample_lines`: of a crawl, of which kept pages are read again; None: all."""
        self._parts = reader.read_all(outs)
        self._is_running = any(
            part.manifest.state != "complete" and is_locked(part.out) for part in self._parts
        )
        self._manifest = self._parts[0].manifest
        self._urlfile = urlfile or reader.find_input(outs[0], self._manifest)
        if self._manifest.crawl is not None:  # its lines are those of its log
            self._urlfile = self._parts[0].out / FRONTIER_NAME
        self._sample_lines = sample_lines
        self._found = Findings()
        self._seen = IdSet()
        self._highest_line = max(map(reader.highest_line, self._parts))
        self._sums: Counter[int] = Counter()  # by block of lines
        self._rows = 0

    def run(self) -> Report:
        """Read everything once, and damaged blocks of lines twice."""
        crawl = None
        with contextlib.ExitStack() as opened:
            audit = self._crawl_audit()
            if audit is not None:
                opened.enter_context(audit)
            for part in self._parts:
                self._check_part(part, audit)
            if audit is not None:
                crawl = audit.end(self._seen)
        url_lines = reader.url_lines_of(self._parts)
        if crawl is not None:
            for what in crawl.not_in_log:
                self._found.add(NOT_IN_LOG, what)
            url_lines = crawl.lines
            with contextlib.suppress(DamageError):  # the crawl's audit has found it
                url_lines = self._compare_lines(LogSource(self._parts[0]))
        elif self._urlfile is not None:
            url_lines = self._compare_input(self._source(self._urlfile))
        elif url_lines is None or url_lines != self._rows:
            missing = None if url_lines is None else url_lines - self._rows
            self._found.add(
                NO_ROW, "unknown lines" if missing is None else counted(missing, "line")
            )
        return Report(
            rows=self._rows,
            url_lines=url_lines,
            compared_with=self._urlfile,
            counts=dict(self._found.counts),
            listed=self._found.listed,
            missing_sinks=reader.missing_sinks(self._parts),
            undigested_bytes=sum(
                state.length
                for part in self._parts
                for state in part.view.states.values()
                if state.digest is None
            ),
            stray_files=[line for part in self._parts for line in stray_files(part)],
            is_running=self._is_running,
            has_ended=all(part.manifest.state == "complete" for part in self._parts),
            crawl=crawl,
        )

    def _crawl_audit(self) -> CrawlAudit | None:
        rules = self._manifest.crawl
        if rules is None:
            return None
        require_crawl_libraries("fetcher verify of a crawl")
        from fetcher.verify.crawl import CrawlAudit  # noqa: PLC0415

        return CrawlAudit(self._parts[0], rules, self._found, self._sample_lines)

    def _check_part(self, part: Part, crawl: CrawlAudit | None) -> None:
        outcomes: Counter[str] = Counter()
        bodies = BodyAudit(part)
        for result in _results(part, self._found):
            self._check_row(result, part)
            outcomes[result.outcome.value] += 1
            for finding in bodies.check(result):
                self._found.add(*finding)
            if crawl is not None:
                crawl.check(result)
        for finding in bodies.end():
            self._found.add(*finding)
        self._compare_totals(part, outcomes)

    def _source(self, urlfile: Path) -> Source:
        if self._manifest.input.line_rules != formats.RULES:
            raise ConflictError(
                f"{self._parts[0].out} was begun by another version of fetcher, which reads the "
                f"lines of {urlfile} by other rules; verify it with that version"
            )
        selection = self._manifest.selection
        chosen = SelectedLines(self._parts[0].out, selection) if selection else None
        return Source(urlfile, self._manifest.input.format, chosen)

    def _check_row(self, result: Result, part: Part) -> None:
        line = result.line
        self._rows += 1
        if not 1 <= line <= self._highest_line:  # a bit for it might take too much memory
            self._found.add(NOT_IN_JOURNAL, f"line {line}")
            return
        if line in self._seen:
            self._found.add(TWICE, f"line {line}")
            return
        self._seen.add(line)
        self._sums[line // _BLOCK_LINES] += lines.fingerprint(line, result.url, _name(result))
        batch, offset = divmod(line - 1, self._manifest.batch_size)
        recovered = part.view.recovered
        if batch not in recovered.done:
            state = recovered.partial.get(batch)
            if state is None or not state.committed >> offset & 1:
                self._found.add(NOT_IN_JOURNAL, f"line {line}")

    def _compare_totals(self, part: Part, outcomes: Counter[str]) -> None:
        totals, count = part.view.recovered.totals, outcomes.total()
        if totals.rows != count:
            self._found.add(TOTALS, f"{counted(count, 'row')} there, {totals.rows} committed")
        if {k: n for k, n in totals.outcomes.items() if n} != dict(outcomes):
            self._found.add(TOTALS, "the count of outcomes")

    def _compare_input(self, source: Source) -> int:
        """Compare each line of the URL file with the rows; returns how many URL lines it has."""
        if source.file_bytes != self._manifest.input.bytes:
            raise ConflictError(f"{source.path} is not the file that this job was begun with")
        return self._compare_lines(source)

    def _compare_lines(self, source: Lines) -> int:
        count = 0
        for line, url, name in self._url_lines(source):
            count += 1
            if line not in self._seen:
                self._found.add(NO_ROW, f"line {line}")
            else:
                self._sums[line // _BLOCK_LINES] -= lines.fingerprint(line, url, name)
        differing = sorted(block for block, rest in self._sums.items() if not is_balanced(rest))
        if differing:
            self._compare_blocks(source, set(differing[:_MAX_BLOCKS]))
        for block in differing[_MAX_BLOCKS:]:
            self._found.add(OTHER_LINES, f"lines from {block * _BLOCK_LINES} on")
        return count

    def _compare_blocks(self, source: Lines, blocks: set[int]) -> None:
        """Find the rows that differ from their lines, in these blocks of lines."""
        texts = {n: rest for n, *rest in self._url_lines(source) if n // _BLOCK_LINES in blocks}
        for result in itertools.chain.from_iterable(_results(part, None) for part in self._parts):
            line = result.line
            if line // _BLOCK_LINES not in blocks:
                continue
            if line not in texts:
                self._found.add(NO_LINE, f"line {line}")
                continue
            url, name = texts[line]
            if url != result.url:
                self._found.add(OTHER_URL, f"line {line}")
            elif name != _name(result):
                kind = OTHER_ID if self._manifest.crawl is None else OTHER_FINDER
                self._found.add(kind, f"line {line}")

    def _url_lines(self, source: Lines) -> Iterator[tuple[int, str, str | int | None]]:
        """Number, URL and id of each URL line that belongs to one of these sinks."""
        task_of = formats.decoder(source.format)
        shares = [part.manifest.share for part in self._parts]
        size = self._manifest.batch_size
        for number, text in source.url_lines():
            if any(share.has((number - 1) // size) for share in shares):
                task = task_of(number, text)
                yield number, task.url, _name_of(task)


def _results(part: Part, found: Findings | None) -> Iterator[Result]:
    """All valid rows; adds what is wrong with the others to `found`, if given."""
    codec = CODECS[part.manifest.output.rows]
    for segment in reader.segments(part):
        name = segment.path.name
        position = 0
        for row in _committed(segment, found):
            try:
                result = codec.decode(row)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                if found:
                    found.add(NOT_PARSED, f"{name}, byte {position} ({error})")
            else:
                # A decoder skips unknown keys, and so damaged keys.
                if found and codec.encode(result) != row:
                    found.add(NOT_WRITTEN, f"{name}, byte {position} (line {result.line})")
                yield result
            position += len(row)


def _committed(segment: Segment, found: Findings | None) -> Iterator[bytes]:
    """The rows of a segment; a wrong digest is a finding, and not an error."""
    with reader.Committed(segment.path, segment.committed_bytes) as file:
        yield from reader.rows_of(file, segment)
        if found and not file.is_as(segment.digest):
            found.add(OTHER_BYTES, segment.path.name)


def _name(result: Result) -> str | int | None:
    """What a row has of its line apart from the URL: its id and, in a crawl, how it was found."""
    name = None if result.id is msgspec.UNSET else result.id
    if result.depth is msgspec.UNSET:
        return name
    finder = 0 if result.found_on is msgspec.UNSET else result.found_on
    return _found_name(name, result.depth, finder, result.via)


def _name_of(task: Task) -> str | int | None:
    """As `_name`, by the line of the input."""
    found = task.found
    if found is None:
        return task.id
    return _found_name(task.id, found.depth, found.found_on, found.via)


def _found_name(name: str | int | None, depth: int, finder: int, via: object) -> str:
    return f"{depth} {finder} {via} {name!r}"
