"""Reads the bodies that a job has kept from its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fetcher.fetch.body.decoding import decoder_for
from fetcher.model import Result
from fetcher.rows.inline import body_of
from fetcher.rows.media_types import extension_of
from support.warcs import Record, read

DECODED = 1 << 30


class Kept:
    """All records of an OUT's WARC files, by id and by line; each file is valid for two readers."""

    def __init__(self, out: Path) -> None:
        self.records: dict[str, Record] = {}
        self.by_line: dict[int, list[Record]] = {}
        self.infos: set[str] = set()  # ids of what the files begin with
        found: dict[tuple[str, int], list[Record]] = {}
        for path in sorted((out / "bodies").glob("*.warc.gz")):
            records = read(path.read_bytes())
            if records:
                assert records[0].kind == "warcinfo"
                self.infos.add(records[0].headers["WARC-Record-ID"])
            for record in records[1:]:
                assert record.headers["WARC-Record-ID"] not in self.records
                self.records[record.headers["WARC-Record-ID"]] = record
                found[path.name, record.offset] = [record]
        for record in self.records.values():
            assert record.headers["WARC-Warcinfo-ID"] in self.infos
        for entry in self._index(out):
            first = found[entry["file"], entry["offset"]][0]
            end = entry["offset"] + entry["length"]
            assert entry["line"] not in self.by_line, "each line's records once"
            self.by_line[entry["line"]] = [
                record
                for (name, offset), (record,) in found.items()
                if name == entry["file"] and first.offset <= offset < end
            ]
        assert sum(map(len, self.by_line.values())) == len(self.records)

    def _index(self, out: Path) -> list[dict[str, Any]]:
        paths = sorted((out / "bodies").glob("*.index.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]

    def original(self, record: Record) -> Record:
        """The record that has the body."""
        if record.kind != "revisit":
            return record
        digest = record.headers["WARC-Payload-Digest"]
        (found,) = [
            each
            for each in self.records.values()
            if each.kind == "response"
            and each.headers["WARC-Target-URI"] == record.headers["WARC-Refers-To-Target-URI"]
            and each.headers["WARC-Date"] == record.headers["WARC-Refers-To-Date"]
            and each.headers["WARC-Payload-Digest"] == digest
        ]
        return record._replace(payload=found.payload)

    def response(self, row: Result) -> Record:
        """The row's last response: where the index has it, and by the row's own id."""
        first = self.by_line[row.line][0]
        assert first.headers["WARC-Record-ID"] == row.warc_id
        assert first.headers["WARC-Target-URI"] == row.final_url
        return self.original(first)

    def require_pages(self, out: Path) -> None:
        """The index for replay has each answer to GET."""
        posts = {
            record.headers["WARC-Concurrent-To"]
            for record in self.records.values()
            if record.kind == "request" and not record.block.startswith(b"GET ")
        }
        pages = [
            record.headers["WARC-Target-URI"]
            for name, record in self.records.items()
            if record.kind in ("response", "revisit") and name not in posts
        ]
        lines = (out / "bodies" / "index.cdxj").read_bytes().splitlines()
        assert lines == sorted(lines)
        found = [json.loads(line.split(b" ", 2)[2])["url"] for line in lines]
        assert sorted(found) == sorted(pages)


def decoded(record: Record) -> bytes:
    """The payload, its content coding undone."""
    decoder = decoder_for(record.http.get("content-encoding", ""), DECODED)
    if decoder is None or not record.payload:
        return record.payload
    return b"".join(decoder.pieces(record.payload))


def require_all(out: Path, rows: list[Result], mode: str) -> int:
    """Each row has the body that it should, and nothing else is there; the number of bodies."""
    kept = Kept(out) if mode == "warc" else None
    files: set[Path] = set()
    bodies = 0
    for row in rows:
        bodies += row.sha256 is not None and bool(row.body_bytes)
        body = b""
        has_body = row.body_bytes is not None
        assert (row.truncated is True) == (has_body and row.sha256 is None), row
        if kept is not None:
            assert (row.status is not None) == isinstance(row.warc_id, str), row
            if isinstance(row.warc_id, str):
                body = decoded(kept.response(row)) if row.sha256 else b""
        elif mode == "files":
            assert has_body == isinstance(row.body_file, str), row
            if isinstance(row.body_file, str):
                files.add(out / row.body_file)
                body = (out / row.body_file).read_bytes()
                assert Path(row.body_file).suffix == extension_of(row.content_type, row.final_url)
        elif has_body:
            assert isinstance(row.body, str) and isinstance(row.body_is, str)
            body = body_of(row.body, row.body_is, row.content_type)
        if has_body and kept is None:
            assert len(body) == row.body_bytes, row
        if row.sha256 is not None:
            assert hashlib.sha256(body).hexdigest() == row.sha256, row
    if kept is not None:
        assert len(kept.by_line) == sum(isinstance(row.warc_id, str) for row in rows)
        kept.require_pages(out)
    if mode == "files":
        assert {path for path in (out / "bodies").rglob("*") if path.is_file()} == files
    return bodies
