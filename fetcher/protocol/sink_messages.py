"""The messages between the ventilator and a sink; see protocol.messages."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from fetcher.errors import Exit
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import CrawlTotals
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.bounds import (
    MAX_HOSTS,
    BatchSize,
    Count,
    Line,
    Mask,
    Masks,
    Message,
    Name,
    PageMask,
    PageTexts,
    Settings,
)
from fetcher.protocol.line_tags import KEY_BYTES
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.protocol.shard import WHOLE, Share
from fetcher.protocol.totals import Totals


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input of a job; another input is another job."""

    name: str
    path: str
    file_bytes: Count
    source: SourceInfo
    format: LineFormat = TEXT
    selection: Selection | UnsetType = UNSET  # unset: all lines
    # Unset: a list. Set: the file holds the seeds of a crawl, and the job's lines are its log.
    crawl: CrawlRules | UnsetType = UNSET
    refresh: Refresh | UnsetType = UNSET  # of an earlier job; unset: not a refresh


class Open(Message, tag="open", frozen=True):
    """Asks the sink to begin or resume the job of this input."""

    session: Name
    input: InputSpec
    batch_size: BatchSize
    settings: Settings
    version: Name
    share: Share = WHOLE
    output: Output = PLAIN
    job: Name = ""  # with several sinks: the id of the first sink's job


class Suspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Lines that are blamed: for the deaths of workers in a row, or for rows that were lost.

    If `losses` is not 0, each of the lines was alone in its lease when its rows were lost.
    """

    batch: Count
    mask: Mask
    deaths: Count
    losses: Count = 0


Suspects = Annotated[list[Suspect], Meta(max_length=MAX_HOSTS)]


class CrawlState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a crawl is, durably."""

    seeds: Count  # lines of the list of seeds that were taken
    has_all_seeds: bool
    lines: Count  # of the log
    totals: CrawlTotals = field(default_factory=CrawlTotals)


class LogPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines of a crawl's log that have no row yet; see input.log_lines."""

    first: Line  # as the poll asked
    end: Line  # the line after the last one that was looked at: where the next page begins
    mask: PageMask  # bit k: line `first` + k is in `texts`
    texts: PageTexts  # joined by line feeds


class Opened(Message, tag="opened", frozen=True):
    """The job is open: its properties, and the lines that are committed."""

    job: Name
    batch_size: BatchSize
    source: SourceInfo  # counts of the input so far; its content must still match
    done: bytes  # packed bitset.IdSet of full batches
    partial: Masks  # committed lines of other batches
    suspects: Suspects
    totals: Totals
    epoch: Name
    version: Count
    complete: bool
    output: Output = PLAIN
    keep_columns: bool | UnsetType = UNSET  # unset: false
    key: Annotated[bytes, Meta(max_length=KEY_BYTES)] = b""  # key of the lines' tags
    crawl: CrawlState | UnsetType = UNSET  # unset: the job is a list

    @property
    def unchanging(self) -> tuple[int, Output, bool]:
        """The properties that were fixed when the job was begun."""
        return self.batch_size, self.output, bool(self.keep_columns)


class Poll(Message, tag="poll", frozen=True):
    """Asks for changes since `version` of `epoch`, and reports what the ventilator has found."""

    session: Name
    epoch: Name
    version: Count
    source: SourceInfo
    url_lines: Count | None = None  # in this sink's share; None: not counted yet
    suspects: Suspects | None = None  # None: unchanged
    log_from: Line | UnsetType = UNSET  # in a crawl: the next line of the log


class Committed(Message, tag="committed", frozen=True):
    """Changed batches, each with all its committed lines; b"": a full batch."""

    version: Count
    changed: Masks
    totals: Totals
    complete: bool
    stalled: str = ""  # why nothing can be committed now, such as a full disk; "": it can
    crawl: CrawlState | UnsetType = UNSET
    log: LogPage | UnsetType = UNSET  # unset: nothing new for this poll


class Seeds(Message, tag="seeds", frozen=True):
    """A page of the seeds of a crawl; may be sent again, and then nothing is taken twice."""

    session: Name
    first: Count  # the number of the first of these, from 0
    texts: PageTexts  # lines of the log (input.log_lines), joined by line feeds; b"": none
    at_end: bool  # these are the last


class Seeded(Message, tag="seeded", frozen=True):
    """The seeds up to `crawl.seeds` are durable; the next page should begin there."""

    crawl: CrawlState
    stalled: str = ""  # as in Committed


class Resync(Message, tag="resync", frozen=True):
    """The changes are not known (the sink restarted, or they are too many): open again."""


class Close(Message, tag="close", frozen=True):
    """The ventilator knows that the job is complete, and will leave."""

    session: Name


class Closed(Message, tag="closed", frozen=True):
    """The sink has received `Close`, and leaves, too."""


class Refused(Message, tag="refused", frozen=True):
    """The request is refused; the ventilator should stop with this exit code.

    Exit code 0: it may ask again for a while; 3: again without limit, because the disk is full.
    """

    reason: str
    exit_code: Annotated[int, Meta(ge=0, lt=len(Exit))]
