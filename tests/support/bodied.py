"""Output directories whose rows have bodies, in each way that a job keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from fetcher.fetch.body.capture import Capture
from fetcher.input.formats import TEXT, LineFormat
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies, Output
from fetcher.rows import archive, warc
from fetcher.rows.body_names import body_file
from fetcher.rows.inline import inline
from support import outs


def answered(row: Result, body: bytes, content_type: str | None) -> Result:
    """The row of a whole body of this type."""
    return replace(
        row,
        content_type=content_type,
        final_url=row.final_url or row.url,
        body_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def cut(row: Result) -> Result:
    """The same of a body that was cut."""
    return replace(row, outcome=Outcome.TIMEOUT, sha256=None, truncated=True)


def kept(output: Output, row: Result, body: bytes) -> tuple[Result, bytes]:
    """The row as the job's output has it, and the body data that is stored with it."""
    match output.bodies:
        case "none":
            return row, b""
        case "inline":
            text, kind = inline(body, row.content_type)
            return replace(row, body=text, body_is=kind), b""
        case "files":
            digest = hashlib.sha256(body).hexdigest()
            name = body_file(output.body_names, digest, row.content_type, row.final_url)
            return replace(row, body_file=name), body
        case "warc":
            tape = Capture(row.url, 1.5)
            tape.head = [b"HTTP/1.1 200 OK\r\n"]
            tape.head += [f"{name}: {value}\r\n".encode() for name, value in row.headers]
            tape.request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            tape.pieces = [body]
            tape.is_whole = row.sha256 is not None
            once = output.warc_dedupe
            made = warc.records([tape], row.outcome, "<urn:uuid:0>", with_revisits=once)
            assert made is not None
            stored = archive.pack(made.members, made.data) if once else made.data
            return replace(row, warc_id=made.first_id), stored


def make_out(
    folder: Path,
    rows: Iterable[tuple[Result, bytes | None]],
    bodies: Bodies = "files",
    *,
    output: Output | None = None,
    of: LineFormat = TEXT,
    urls: bytes | None = None,
) -> Path:
    """FOLDER/out of these rows with their bodies; None: without one. `urls`: the input."""
    output = output or Output(bodies=bodies, body_names="typed" if bodies == "files" else "sha256")
    made = {row.line: (row, b"") if body is None else kept(output, row, body) for row, body in rows}
    folder.mkdir(parents=True, exist_ok=True)
    path = outs.write_input(folder / "urls.txt", max(made))
    if urls is not None:
        path.write_bytes(urls)
    return outs.make_out(
        folder / "out",
        path,
        [row for row, _ in made.values()],
        of,
        segment_bytes=2000,
        output=output,
        kept={line: stored for line, (_, stored) in made.items()},
    )
