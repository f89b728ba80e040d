"""Output directories without a job: a URL file and rows of it, committed as the sink commits."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET

from fetcher import bitset
from fetcher.commit.committer import Committer
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.selection import Selection
from fetcher.input.source import Source
from fetcher.input.source_info import SourceInfo
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome, Result
from fetcher.protocol import messages
from fetcher.protocol.output_spec import PLAIN, Output, warcinfo_id
from fetcher.protocol.shard import WHOLE, Share
from fetcher.rows import warc
from fetcher.rows.forms import CODECS
from fetcher.store import cdxj
from fetcher.store.manifest import Manifest
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.store.selection import SelectedLines

BATCH = 8


def url_of(line: int) -> str:
    """The URL that line has in these files."""
    return f"http://test.invalid/{line}"


def row(line: int, outcome: Outcome = Outcome.OK, status: int | None = None) -> Result:
    """A row of the line, with the outcome's usual status."""
    usual = {Outcome.OK: 200, Outcome.HTTP_ERROR: 404}.get(outcome)
    return Result(line, url_of(line), outcome, status or usual, worker="w")


def write_input(path: Path, lines: int) -> Path:
    """A URL file of these lines."""
    path.write_text("".join(f"{url_of(line)}\n" for line in range(1, lines + 1)))
    return path


def make_out(
    out: Path,
    urlfile: Path,
    rows: Iterable[Result],
    of: LineFormat = TEXT,
    *,
    segment_bytes: int = 1 << 20,
    selection: Selection | None = None,
    share: Share = WHOLE,
    job: str = "",
    output: Output = PLAIN,
    kept: Mapping[int, bytes] | None = None,
    handler: str = "",
) -> Path:
    """The OUT of a job that was of the file that got these rows; complete if these are all.

    `kept`: the body data of rows, by line.
    """
    source = Source(urlfile, of, SelectedLines(out, selection) if selection else None)
    request = msgspec.structs.replace(
        open_request(urlfile, of),
        settings={"worker": {"handler": handler}} if handler else {},
        share=share,
        job=job,
        output=output,
    )
    *_, info = source.census()
    spec = msgspec.structs.replace(request.input, source=info, selection=selection or UNSET)
    request = msgspec.structs.replace(request, input=spec)
    with contextlib.closing(OutputDirectory(out)) as directory:
        manifest = directory.begin(request)
        _commit(out, source, info, manifest, rows, segment_bytes, kept or {})
        directory.save()
    return out


def open_request(urlfile: Path, of: LineFormat = TEXT) -> messages.Open:
    """The request with which a ventilator begins a job of this file."""
    *_, info = Source(urlfile, of).census()
    spec = messages.InputSpec(
        name=urlfile.name,
        path=str(urlfile.absolute()),
        file_bytes=urlfile.stat().st_size,
        source=info,
        format=of,
    )
    return messages.Open(session="s", input=spec, batch_size=BATCH, settings={}, version="0")


def resume_out(out: Path, urlfile: Path, rows: Iterable[Result]) -> None:
    """Go on with a job that was of all lines of a plain file."""
    source = Source(urlfile, TEXT)
    *_, info = source.census()
    with contextlib.closing(OutputDirectory(out)) as directory:
        manifest = directory.begin(open_request(urlfile))
        _commit(out, source, info, manifest, rows, 1 << 20, {})
        directory.save()


def _commit(
    out: Path,
    source: Source,
    info: SourceInfo,
    manifest: Manifest,
    rows: Iterable[Result],
    segment_bytes: int,
    kept: Mapping[int, bytes],
) -> None:
    def begins(name: str) -> bytes:
        return warc.warcinfo(name, warcinfo_id(manifest.job, manifest.share.index, name))

    store = Store(out, manifest, segment_bytes, begins)
    store.journal.note(source=info)
    committer = Committer(store, store.journal.recover(), manifest.job, "epoch")
    by_batch: dict[int, list[Result]] = {}
    for result in rows:
        by_batch.setdefault((result.line - 1) // BATCH, []).append(result)
    expected = 0
    for batch in source.batches(BATCH):
        if not manifest.share.has(batch.id):
            continue
        expected += batch.mask.bit_count()
        if batch.id in by_batch:
            committer.offer(_chunk(manifest, batch, by_batch[batch.id], kept), BATCH)
            if segment_bytes < 1 << 20:
                committer.commit()
    committer.commit()
    manifest.input.sha256, manifest.input.url_lines = info.checked_sha256, info.url_lines
    manifest.share_url_lines = expected
    if committer.totals.rows == expected:
        if manifest.output.bodies == "warc":
            for _ in cdxj.build(out, store.journal.lengths()):
                pass
        manifest.state = "complete"
    store.close()


def _chunk(
    of: Manifest, batch: Batch, results: Sequence[Result], kept: Mapping[int, bytes]
) -> Chunk:
    kept_data = [kept.get(result.line, b"") for result in results]
    encoded = [CODECS[of.output.rows].encode(result) for result in results]
    return Chunk(
        job=of.job,
        batch=batch.id,
        batch_mask=bitset.pack(batch.mask),
        worker="w",
        lines=[result.line for result in results],
        row_bytes=[len(each) for each in encoded],
        outcomes=[OUTCOME_CODE[result.outcome] for result in results],
        statuses=[result.status or 0 for result in results],
        body_bytes=[result.body_bytes or 0 for result in results],
        rows=b"".join(encoded),
        kept=b"".join(kept_data),
        kept_bytes=[len(each) for each in kept_data],
        empty=[
            result.line
            for result, each in zip(results, kept_data, strict=True)
            if isinstance(result.body_file, str) and not each
        ],
        body_files=[_path_of_body(*each) for each in zip(results, kept_data, strict=True)],
    )


def _path_of_body(result: Result, body: bytes) -> str:
    """The path of this body's file, also if the row names another."""
    if not isinstance(result.body_file, str):
        return ""
    digest, suffix = hashlib.sha256(body).hexdigest(), Path(result.body_file).suffix
    return f"bodies/{digest[:2]}/{digest[2:4]}/{digest}{suffix}"


def csv_format(*columns: str, keep: bool = True) -> LineFormat:
    """Lines of CSV with these columns, the URL in `url`."""
    return LineFormat("csv", ",", columns, "url", keep)


def small_open_request(file_bytes: int = 10, of: LineFormat = TEXT) -> messages.Open:
    """Begins a job of a URL file that need not exist, with so many bytes."""
    return messages.Open(
        session="s",
        input=messages.InputSpec(
            name="urls.txt", path="/u", file_bytes=file_bytes, source=SourceInfo(), format=of
        ),
        batch_size=4,
        settings={"http": {"max_redirects": 3}},
        version="0",
    )


def replace_columns(result: Result, **columns: str) -> Result:
    """The row with these columns of a CSV input."""
    return msgspec.structs.replace(result, columns=columns)
