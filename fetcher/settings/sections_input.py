"""Sections about the job, its input and its output."""

from __future__ import annotations

from typing import Annotated, Literal

from fetcher.settings.value_types import MIB, Seconds, Section, about


class Job(Section, frozen=True, kw_only=True):
    """How the input is divided."""

    batch_size: Annotated[
        int, about("physical lines of the URL file in one batch", ge=1, le=10_000)
    ] = 200


class Input(Section, frozen=True, kw_only=True):
    """The format of the URL file."""

    format: Annotated[
        Literal["auto", "text", "jsonl", "csv", "log"],
        about(
            "format of a line; text: a URL; jsonl: a JSON object with url and optional method, "
            "headers, body, id, route; csv: a record, and the first line of the file names the "
            "columns; log: a line of a crawl's log, as retry reads it; auto: by the file's name "
            "(.jsonl, .ndjson, .csv, .tsv, also with .gz appended; else text)"
        ),
    ] = "auto"
    url_column: Annotated[str, about("csv: the column that holds the URL", min_length=1)] = "url"
    keep_columns: Annotated[
        bool,
        about(
            "csv: all columns except URL, method and id are copied to the row; set when a job "
            "begins, and unchanged when it resumes"
        ),
    ] = True


class Output(Section, frozen=True, kw_only=True):
    """The form of the output: set when a job begins, and unchanged when it resumes."""

    rows: Annotated[
        Literal["jsonl", "msgpack"],
        about("jsonl: one JSON object per line; msgpack: one msgpack map after another"),
    ] = "jsonl"
    compression: Annotated[
        Literal["none", "zstd"], about("compression of the rows; zstd: one frame per commit")
    ] = "none"
    bodies: Annotated[
        Literal["none", "inline", "files", "warc"],
        about(
            "where bodies are stored, truncated ones included; inline: in the row (text as text, "
            "else base64); files: in files named by sha256 and type; warc: in WARC files with "
            "requests, redirects and headers"
        ),
    ] = "none"
    warc_dedupe: Annotated[
        bool,
        about(
            "write a revisit record for a body that the WARC files already have; it refers to the "
            "record with the body"
        ),
    ] = False


class Sink(Section, frozen=True, kw_only=True):
    """How rows are committed."""

    commit_interval_s: Annotated[
        Seconds, about("rows are committed (fsync, journal) at least this often")
    ] = 0.1
    commit_bytes: Annotated[
        int, about("rows are also committed when so many bytes are waiting", ge=1)
    ] = 8 * MIB
    segment_bytes: Annotated[
        int, about("a new results file begins when the present one has this size", ge=1)
    ] = 1024 * MIB
