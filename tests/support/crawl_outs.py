"""Output directories of crawls made in no time: pages, and their rows committed as a sink does."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from fetcher import bitset
from fetcher.commit.committer import Committer
from fetcher.commit.growth import Growth
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.input import formats, log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import OUTCOME_CODE, Chunk, Outcome, Result
from fetcher.protocol import links
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.roles.sink.crawl_recovery import growth_of
from fetcher.rows import jsonl
from fetcher.store.digest import Digest
from fetcher.store.output_dir import OutputDirectory, Store
from support.outs import BATCH, open_request

FOUND_AT_S = 1_700_000_000.0  # when the first line was fetched; line n: n seconds later


class Page(NamedTuple):
    """What the worker makes of a line."""

    links: Sequence[Link] = ()
    outcome: Outcome = Outcome.OK
    status: int | None = 200
    body: str | None = None  # HTML, kept in its row
    left_out: Mapping[Refusal, int] = MappingProxyType({})


def make_crawl(
    out: Path,
    pages: Mapping[str, Page],
    seeds: Sequence[str],
    rules: CrawlRules | None = None,
    *,
    output: Output = PLAIN,
    most_seeds: int | None = None,
    most_rows: int = 1000,
    segment_bytes: int = 1 << 20,
) -> Path:
    """Crawl these pages by URL, one row a commit; complete unless there are more than `most_rows`.

    `most_seeds`: only so many have come, and not the message that they are all; None: all.

    Other URLs are not found.
    """
    rules = rules or CrawlRules()
    urlfile = out.parent / f"{out.name}-seeds.txt"
    urlfile.write_text("".join(f"{url}\n" for url in seeds))
    request = open_request(urlfile)
    spec = replace(request.input, crawl=rules)
    request = replace(request, input=spec, output=output)
    with contextlib.closing(OutputDirectory(out)) as directory:
        manifest = directory.begin(request)
        with contextlib.closing(Store(out, manifest, segment_bytes)) as store:
            growth = growth_of(rules, store)
            committer = Committer(store, store.journal.recover(), manifest.job, "e", growth)
            texts = [log_lines.encode(LogLine(url)) for url in seeds[:most_seeds]]
            growth.seeds(0, texts, at_end=most_seeds is None)
            committer.commit()
            done = _fetch(manifest.job, growth, committer, pages, most_rows)
            store.journal.note(source=request.input.source)
        source = request.input.source
        manifest.input.sha256, manifest.input.url_lines = source.checked_sha256, source.url_lines
        if done:
            manifest.state, manifest.share_url_lines = "complete", committer.totals.rows
        directory.save()
    return out


def _fetch(
    job: str, growth: Growth, committer: Committer, pages: Mapping[str, Page], most_rows: int
) -> bool:
    line = 0
    while line < most_rows:
        if line == growth.committed.ready_lines:
            if not growth.extend():
                return True
            committer.commit()
            continue
        line += 1
        (text,) = growth.files.log_texts(line, line + 1)
        committer.offer(_chunk(job, line, text, pages), BATCH)
        committer.commit()
    return False


def _chunk(job: str, line: int, text: bytes, pages: Mapping[str, Page]) -> Chunk:
    task = log_lines.task_of(line, text)
    assert task.found is not None
    page = pages.get(task.url, Page((), Outcome.HTTP_ERROR, 404))
    result = Result(
        line, task.url, page.outcome, page.status, worker="w", started_at=FOUND_AT_S + line
    )
    if page.body is not None:
        result = replace(
            result,
            final_url=task.url,
            headers=(("Content-Type", "text/html"),),
            content_type="text/html",
            body=page.body,
            body_is="text",
            body_bytes=len(page.body),
            sha256=hashlib.sha256(page.body.encode()).hexdigest(),
        )
    row = jsonl.encode(formats.named(result, task))
    found = links.encode(links.PageLinks(tuple(page.links), dict(page.left_out)))
    batch = (line - 1) // BATCH
    return Chunk(
        job=job,
        batch=batch,
        batch_mask=bitset.pack((1 << BATCH) - 1),
        worker="w",
        lines=[line],
        row_bytes=[len(row)],
        outcomes=[OUTCOME_CODE[result.outcome]],
        statuses=[result.status or 0],
        body_bytes=[result.body_bytes or 0],
        rows=row,
        depths=[task.found.depth],
        hops=[task.found.hops],
        links=found,
        link_bytes=[len(found)],
    )


def rewrite(out: Path, name: str, edit: Callable[[bytes], bytes]) -> None:
    """Change a committed file of OUT as a faulty sink would: the journal agrees with it."""
    path = out / name
    data = edit(path.read_bytes())
    path.write_bytes(data)
    digest = Digest()
    digest.update(data)
    with contextlib.closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        key = name.removeprefix("results/")
        db.execute(
            "UPDATE segments SET bytes = ?, digest = ? WHERE name = ?",
            (len(data), digest.value(), key),
        )


def rewrite_log(out: Path, line: int, **changed: object) -> None:
    """Change fields of a line of the log."""

    def edit(data: bytes) -> bytes:
        texts = data.splitlines()
        entry = log_lines.decode(texts[line - 1])
        texts[line - 1] = log_lines.encode(msgspec.structs.replace(entry, **changed))
        return b"".join(text + b"\n" for text in texts)

    rewrite(out, "frontier/part-00000.jsonl", edit)
