"""A sink's job: which chunks it takes, and what it stores of the ventilator's words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.input.source_info import SourceInfo
from fetcher.model import Chunk
from fetcher.protocol import line_tags
from fetcher.protocol.chunk_frames import chunk_parts
from fetcher.protocol.output_spec import Output
from fetcher.roles.sink.job import SinkJob
from fetcher.settings.schema import Settings
from fetcher.store import manifest
from fetcher.store.output_dir import OutputDirectory
from fetcher.store.secret import secret_of
from fetcher.telemetry import drops
from support.chunks import chunk_of_lines, url_of
from support.outs import BATCH, open_request, write_input

LINES = 12


class Sink:
    """A job of twelve lines in OUT."""

    def __init__(self, out: Path, output: Output | None = None) -> None:
        urls = write_input(out.parent / "urls.txt", LINES)
        request = replace(open_request(urls), output=output or Output())
        self.directory = OutputDirectory(out)
        self.manifest = self.directory.begin(request)
        self.job = SinkJob(self.directory, self.manifest, Settings(), "epoch")
        self.key = secret_of(out)

    def chunk(self, first: int, count: int = BATCH) -> Chunk:
        made = chunk_of_lines(self.manifest.job, first, BATCH, count)
        named = [(line, url_of(line), None) for line in made.lines]
        tags = line_tags.of_lines(self.key, made.batch, made.batch_mask, named)
        return replace(made, tags=tags)

    def take(self, chunk: Chunk) -> tuple[int, int]:
        """Returns the rows that are taken, and the chunks that were dropped."""
        before = drops.DROPPED["contradictory"]
        rows = self.job.committer.pending_rows
        self.job.take(*chunk_parts(chunk))
        return (
            self.job.committer.pending_rows - rows,
            drops.DROPPED["contradictory"] - before,
        )

    def close(self) -> None:
        self.job.close()
        self.directory.close()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with contextlib.closing(Sink(tmp_path / "out")) as made:
        yield made


def test_rows_of_handed_out_lines_are_taken_once(sink: Sink) -> None:
    assert sink.take(sink.chunk(1, 3)) == (3, 0)
    assert sink.take(sink.chunk(1, 5)) == (2, 0)
    assert sink.job.committer.commit() == 5
    assert sink.take(sink.chunk(1, 5)) == (0, 0)


def test_a_chunk_of_another_job_is_ignored(sink: Sink) -> None:
    assert sink.take(replace(sink.chunk(1), job="another")) == (0, 0)


@pytest.mark.parametrize(
    "said",
    [
        {"tags": b""},
        {"tags": b"x" * 8 * BATCH},
        {"kept": b"body", "kept_bytes": [4, *[0] * (BATCH - 1)]},
        {"empty": [1]},
        {"batch": 1 << 40},
        {"row_bytes": [1] * BATCH},
    ],
)
def test_a_chunk_that_contradicts_itself_or_the_job_is_dropped(
    sink: Sink, said: dict[str, object]
) -> None:
    assert sink.take(replace(sink.chunk(1), **said)) == (0, 1)
    assert sink.take(sink.chunk(1)) == (BATCH, 0), "the good one is still taken"


def test_records_of_an_archive_are_unpacked_before_they_are_taken(tmp_path: Path) -> None:
    output = Output(bodies="warc", warc_dedupe=True)
    with contextlib.closing(Sink(tmp_path / "out", output)) as sink:
        broken = replace(sink.chunk(1), kept=b"no records", kept_bytes=[10, *[0] * (BATCH - 1)])
        assert sink.take(broken) == (0, 1)


def test_the_job_knows_when_its_last_rows_wait_for_their_commit(sink: Sink) -> None:
    assert not sink.job.has_last_rows
    sink.job.count(None, LINES)
    sink.take(sink.chunk(1))
    assert not sink.job.has_last_rows
    sink.take(sink.chunk(BATCH + 1, LINES - BATCH))
    assert sink.job.has_last_rows
    sink.job.committer.commit()
    assert not sink.job.has_last_rows, "nothing waits"


def test_what_the_ventilator_counted_is_stored_in_manifest_and_journal(sink: Sink) -> None:
    info = SourceInfo(9, "digest", LINES, True, 1.0)
    sink.job.note(info, None)
    sink.job.count(info, LINES)
    sink.job.complete()
    found = manifest.read(sink.directory.path)
    assert found is not None
    assert (found.input.sha256, found.input.url_lines) == ("digest", LINES)
    assert (found.share_url_lines, found.state) == (LINES, "complete")
    facts = sink.job._store.journal.facts()
    assert (facts.share_url_lines, facts.source) == (LINES, info)


def test_counts_that_are_not_known_change_nothing(sink: Sink) -> None:
    sink.job.count(None, None)
    found = manifest.read(sink.directory.path)
    assert found is not None
    assert (found.input.url_lines, found.share_url_lines) == (None, None)
