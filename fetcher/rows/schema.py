"""Makes the JSON Schema of a row, and the tables of docs/rows.md.

The shape comes from model.Result. This module adds what types cannot express: the meaning of each
key and the bounds of its values. The words of `error_kind` come from error_kinds.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import msgspec

from fetcher.error_kinds import KINDS, OTHER
from fetcher.model import Outcome, Result

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

# In the order of model.Result: the key's meaning, and the bounds of a value that is not null.
KEYS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "line": ("physical line number in the input, from 1", {"minimum": 1}),
    "url": ("the URL as the input has it", {}),
    "outcome": ("how the fetch ended", {}),
    "status": (
        "HTTP status of the last response; null where none came",
        {"minimum": 100, "maximum": 999},
    ),
    "final_url": ("where the last response came from, redirects followed", {}),
    "redirects": ("the URLs that it was redirected to, in order", {}),
    "error": (
        "one line that says what went wrong; null for `ok`, unless the body could not be kept",
        {},
    ),
    "error_kind": (
        "the kind of the failure, for programs: a word that its outcome has in the table below; "
        "not in rows with the outcome `ok` or `http_error`",
        {},
    ),
    "headers": (
        "headers of the last response, `[name, value]`, in order; bytes that are valid UTF-8 are "
        "read as that, all others as latin-1; of an unchanged page with status 304, those in the "
        "row of the earlier job, updated by the answer",
        {},
    ),
    "content_type": ("the Content-Type header of the last response; of several the last", {}),
    "body_bytes": ("size of the body, decoded; of one that broke off, what came", {"minimum": 0}),
    "wire_bytes": ("size of the body as received, before decoding", {"minimum": 0}),
    "sha256": (
        "digest of the whole decoded body, hexadecimal; null if no body came, or if it was cut",
        {"pattern": "^[0-9a-f]{64}$"},
    ),
    "attempts": (
        "attempts that were made, and 1 more for each request that was sent again on a new "
        "connection after several kept ones had lost it; what libcurl sends again is not counted",
        {"minimum": 0},
    ),
    "started_at": ("when the last attempt began: Unix time, seconds", {"minimum": 0}),
    "timings_ms": (
        "milliseconds, of the last attempt: `dns`; `connect`, `tls` and `first_byte` since its "
        "last hop began; `total`",
        {},
    ),
    "remote_ip": ("the address that was connected to: the server's, or the proxy's", {}),
    "http_version": ("of the last response, such as 1.1 or 2", {}),
    "worker": ("the worker process that made the row", {}),
    "id": ("the input's `id`; only in rows of inputs that have one", {}),
    "columns": (
        "other columns of a CSV input, by name (`input.keep_columns`)",
        {},
    ),
    "truncated": (
        "`true`; only where the body was cut: by the server, by a limit, or because its encoding "
        "is damaged",
        {"const": True},
    ),
    "unchanged": (
        "`true`; only in a refresh, where the body is the one that the earlier job has: the server "
        "said so (status 304), or sent the same bytes again",
        {"const": True},
    ),
    "depth": ("only in a crawl: links from a seed to this line; 0 for a seed", {"minimum": 0}),
    "from": (
        "only in a crawl: the line of the page that it was found on; not in rows of seeds",
        {"minimum": 1},
    ),
    "via": (
        "only in a crawl: how it was found: as a `seed`, or by the kind of link, such as `a` or "
        "`redirect`",
        {},
    ),
    "location": (
        "only in a crawl: the page that the response redirects to, which is a line of its own",
        {},
    ),
    "title": ("only with `crawl.title`: the title of an HTML page, where it has one", {}),
    "body": ('the body; only with `output.bodies = "inline"`, where an answer came', {}),
    "body_is": ("what `body` is: `text`, or `base64` of bytes that are not text", {}),
    "body_file": (
        "the path of the body's file below OUT, named by the sha256 of what is in it, with an "
        'extension by content type; only with `output.bodies = "files"`, where an answer came',
        {},
    ),
    "warc_id": (
        "the WARC-Record-ID of the last response, or of the revisit in its place; only with "
        '`output.bodies = "warc"`, where one came',
        {},
    ),
    "extra": ("what `worker.handler` returned; only where it returned something", {}),
}
OUTCOMES: Final = {
    "ok": "a complete response with a status below 400",
    "http_error": "a complete response with a status of 400 or more, or one that fits "
    "`http.logged_out`",
    "invalid_url": "the line is not a URL, or not a request, that can be sent",
    "blocked": "the address is private or special (`guard.allow` opens it), or a redirect leads to "
    "another scheme than http and https, or to an origin that may not have the request's body "
    "(`http.cross_origin_bodies`)",
    "robots": "robots.txt forbids it (with `polite.robots`)",
    "dns": "the host's name does not resolve",
    "connect": "no connection to the host: refused, reset or unreachable",
    "tls": "the certificate or the handshake is bad",
    "timeout": "a limit on time was reached (`http.*_timeout_s`, `http.low_speed_s`)",
    "too_large": "a limit on size was reached (`http.max_*`)",
    "redirects": "too many redirects, or a loop",
    "protocol": "the response is malformed, or breaks off",
    "crashed": "given up: its workers died of it each time, or the sink refused each row of it",
    "handler": "`worker.handler` failed on it; its row still has what was fetched",
}


def schema() -> dict[str, Any]:
    """Make the schema, as plain data."""
    made = msgspec.json.schema(Result)
    parts = made["$defs"]
    row = parts.pop("Result")
    parts["Outcome"] |= {"description": "; ".join(f"{k}: {v}" for k, v in OUTCOMES.items())}
    # Every key is always there, in the order of the declaration.
    parts["Timings"] |= {"required": list(parts["Timings"]["properties"]), "description": ""}
    optional = [f.encode_name for f in msgspec.structs.fields(Result) if f.default is msgspec.UNSET]
    return {
        "$schema": _DRAFT,
        "title": "A result row of fetcher",
        "description": "One line of results/part-*.jsonl.",
        "type": "object",
        "properties": {
            name: {"description": KEYS[name][0], **_bounded(shape, KEYS[name][1])}
            for name, shape in row["properties"].items()
        },
        "required": [name for name in row["properties"] if name not in optional],
        "additionalProperties": False,
        "allOf": [_kinds_of(outcome) for outcome in Outcome],
        "$defs": {name: _strict(part) for name, part in sorted(parts.items())},
    }


def _kinds_of(outcome: Outcome) -> dict[str, Any]:
    """The values of `error_kind` in rows with this outcome."""
    words = list(KINDS[outcome])
    return {
        "if": {"properties": {"outcome": {"const": outcome.value}}, "required": ["outcome"]},
        "then": {"properties": {"error_kind": {"enum": words} if words else False}},
    }


def _bounded(shape: dict[str, Any], bounds: dict[str, Any]) -> dict[str, Any]:
    """Add bounds to the shape of a value; a required key has no default."""
    shape = {key: value for key, value in shape.items() if key != "default"}
    if "anyOf" not in shape:
        return shape | bounds
    return {"anyOf": [s if s == {"type": "null"} else s | bounds for s in shape["anyOf"]]}


def _strict(part: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key != "title" and value != ""}
    if kept.get("type") == "object":
        properties = {name: _bounded(shape, {}) for name, shape in kept["properties"].items()}
        kept |= {"properties": properties, "additionalProperties": False}
    return kept


def text() -> str:
    """The text of docs/row.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def markdown() -> str:
    """The tables of docs/rows.md: keys, outcomes and kinds of errors."""
    made = schema()
    keys = [
        (f"`{name}`", _type(shape), shape["description"])
        for name, shape in made["properties"].items()
    ]
    outcomes = [(f"`{name}`", meaning) for name, meaning in OUTCOMES.items()]
    kinds = [
        (f"`{outcome.value}`", f"`{word}`", kind.meaning)
        for outcome in Outcome
        for word, kind in KINDS[outcome].items()
        if word != OTHER
    ]
    tables = (
        _table(("key", "value", "meaning"), keys),
        _table(("outcome", ""), outcomes),
        _table(("outcome", "error_kind", "meaning"), kinds),
    )
    return "\n".join(tables)


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _type(shape: dict[str, Any]) -> str:
    """A value's type for people."""
    if "anyOf" in shape:
        return " or ".join(_type(part) for part in shape["anyOf"])
    if "$ref" in shape:
        return {"Outcome": "text", "Timings": "object"}[shape["$ref"].rpartition("/")[2]]
    if "enum" in shape:
        return " or ".join(f"`{value}`" for value in shape["enum"])
    if shape["type"] == "array":
        items = shape["items"]
        return f"list of {'pairs' if 'prefixItems' in items else _type(items) + 's'}"
    return "text" if shape["type"] == "string" else str(shape["type"])


if __name__ == "__main__":
    sys.stdout.write(markdown() if sys.argv[1:] == ["--markdown"] else text())
