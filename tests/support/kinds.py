"""Rows of every kind, and an OUT of them."""

from __future__ import annotations

from pathlib import Path

from msgspec import UNSET

from fetcher.model import Outcome, Result, Timings
from support import outs

FORMAT = outs.csv_format("url", "id", "country", "=note")


def rows() -> list[Result]:
    """Five rows, in the order in which they are in OUT."""
    return [
        Result(
            2,
            "http://a/ü",
            Outcome.OK,
            200,
            "http://a/end",
            ("http://a/1", "http://a/2"),
            None,
            UNSET,
            [("Server", "=cmd|x"), ("Set-Cookie", "a"), ("set-cookie", 'b, "c"\nd')],
            "text/html",
            5_000_000_000,
            10,
            "ab" * 32,
            2,
            1_700_000_000.123456,
            Timings(1.5, 2.5, None, 3.5, 4.0),
            "127.0.0.1",
            "2",
            "worker1",
            "=id",
            {"country": "-de", "=note": "x,y"},
        ),
        Result(3, "http://b", Outcome.HTTP_ERROR, 503, worker="w", id=7, columns={"country": ""}),
        Result(4, "@bad", Outcome.INVALID_URL, error="+no URL", error_kind="scheme", worker="w"),
        Result(
            5,
            "http://c",
            Outcome.TIMEOUT,
            error="late",
            error_kind="total",
            worker="w",
            id=(1 << 64) - 1,
        ),
        Result(6, "http://d", Outcome.OK, 204, worker="w", started_at=0.5),
    ]


def make(tmp_path: Path) -> Path:
    """Their OUT: complete, with torn bytes after the committed ones."""
    urlfile = tmp_path / "urls.csv"
    urlfile.write_text("url,id,country,=note\n" + "http://x,1,2,3\n" * 5)
    made = outs.make_out(tmp_path / "out", urlfile, rows(), FORMAT)
    with (made / "results" / "part-00000.jsonl").open("ab") as file:
        file.write(b'{"line":7,"url":"http://torn","outcome":"ok"}\n{"li')
    return made
