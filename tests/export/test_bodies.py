"""Kept bodies are exported to files, however the jobs kept them."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import brotli
import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import DamageError, UsageError
from fetcher.export.bodies import BodyCounts, Files, export_bodies, require_bodies
from fetcher.export.exporting import chosen_rows
from fetcher.export.filters import conditions
from fetcher.export.merged import Merged
from fetcher.export.name_template import DEFAULT, NameTemplate
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies, Output
from support import bodied, outs

MODES: tuple[Bodies, ...] = ("inline", "files", "warc")
LATIN = "text/html; charset=iso-8859-1"
BODIES: dict[int, tuple[bytes, str | None]] = {
    1: (b"<p>one</p>", "text/html"),
    2: ("é".encode("latin-1"), LATIN),
    3: (b"\x89PNG\x00\xff", "image/png"),
    4: (b"", "text/plain"),
    5: (b"<p>one</p>", None),
    6: (b"{}", "application/json"),
}
TEXT = b"".join(b"line %d\n" % n for n in range(500))
NAMES = {1: "1.html", 2: "2.html", 3: "3.png", 4: "4.txt", 5: "5.bin", 6: "6.json"}


def rows() -> list[tuple[Result, bytes | None]]:
    made: list[tuple[Result, bytes | None]] = [
        (bodied.answered(outs.row(line), body, kind), body) for line, (body, kind) in BODIES.items()
    ]
    made[5] = bodied.cut(made[5][0]), made[5][1]
    return [*made, (outs.row(7, Outcome.DNS), None), (outs.row(8, Outcome.CONNECT), None)]


def export(
    parts: Sequence[Path],
    folder: Path,
    template: str = "{line}{ext}",
    where: Sequence[str] = (),
    *,
    partial: bool = False,
    **options: Any,
) -> BodyCounts:
    merged = Merged(parts, partial=partial)
    require_bodies(merged, link=options.get("link", False))
    of = merged.first.manifest.input.format
    done = BodyCounts()
    chosen = chosen_rows(merged, conditions(where, of), sort=options.pop("sort", False))
    export_bodies(merged, chosen, Files(folder, NameTemplate(template, of), **options), done)
    return done


def found(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


EXPECTED = {NAMES[line]: body for line, (body, _) in BODIES.items()}


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_each_body_is_a_file_and_rows_without_one_are_counted(
    tmp_path: Path, mode: Bodies, sort: bool
) -> None:
    out = bodied.make_out(tmp_path, rows(), mode)
    done = export([out], tmp_path / "files", sort=sort)
    assert found(tmp_path / "files") == EXPECTED
    assert done == BodyCounts(written=6, bytes=sum(map(len, EXPECTED.values())), without_body=2)
    again = export([out], tmp_path / "files")
    assert (again.written, again.existing) == (0, 6)


@pytest.mark.parametrize("rows_are", ["jsonl", "msgpack"])
@pytest.mark.parametrize("mode", MODES)
def test_the_row_of_each_body_lies_next_to_it_without_the_body(
    tmp_path: Path, mode: Bodies, rows_are: Any
) -> None:
    names: Any = "typed" if mode == "files" else "sha256"
    output = Output(rows=rows_are, compression="zstd", bodies=mode, body_names=names)
    out = bodied.make_out(tmp_path, rows(), output=output)
    export([out], tmp_path / "files", with_rows=True)
    made = found(tmp_path / "files")
    assert made.keys() == {name + end for name in EXPECTED for end in ("", ".json")}
    said = {row.result.line: row.result for row in Merged([out], partial=False).rows()}
    for line, name in NAMES.items():
        row = json.loads(made[f"{name}.json"])
        assert "body" not in row and "body_is" not in row
        without = replace(said[line], body=UNSET, body_is=UNSET)
        assert msgspec.convert(row, Result) == without
        assert made[name] == BODIES[line][0]
    assert b'\n  "line": 1,\n' in made["1.html.json"]


def test_a_job_of_an_older_version_has_its_bodies_exported(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows(), output=Output(bodies="files"))
    export([out], tmp_path / "files")
    assert found(tmp_path / "files") == EXPECTED


def test_only_rows_that_meet_the_conditions_give_files(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows())
    done = export([out], tmp_path / "files", where=["outcome=ok", "content_type~^text/html"])
    assert set(found(tmp_path / "files")) == {"1.html", "2.html"}
    assert done.without_body == 0


def test_equal_names_are_numbered_in_the_order_of_the_rows(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows())
    for _ in range(2):
        export([out], tmp_path / "files", "{status}", where=["outcome=ok"], sort=True)
        assert found(tmp_path / "files") == {
            "200" if line == 1 else f"200-{line}": BODIES[line][0] for line in range(1, 6)
        }


def test_a_running_job_gives_what_is_committed_and_later_the_rest(tmp_path: Path) -> None:
    urls = b"".join(f"{outs.url_of(line)}\n".encode() for line in range(1, 9))
    out = bodied.make_out(tmp_path, rows()[:3], urls=urls)
    with pytest.raises(UsageError, match="has not ended"):
        export([out], tmp_path / "files")
    assert not (tmp_path / "files").exists()
    stray = out / "bodies" / "ab"
    stray.mkdir(exist_ok=True)
    (stray / "uncommitted").write_bytes(b"x")
    assert export([out], tmp_path / "files", partial=True).written == 3


@pytest.mark.parametrize("mode", MODES)
def test_the_latest_row_of_several_outs_gives_the_body(tmp_path: Path, mode: Bodies) -> None:
    first = bodied.make_out(tmp_path / "first", rows())
    changed = [
        (bodied.answered(row, b"later", "text/plain"), b"later") if row.line in (1, 7) else each
        for each in rows()
        for row in each[:1]
    ]
    second = bodied.make_out(tmp_path / "second", changed, mode)
    export([first, second], tmp_path / "files")
    made = found(tmp_path / "files")
    assert made.pop("1.txt") == made.pop("7.txt") == b"later"
    assert made == {name: data for name, data in EXPECTED.items() if name != "1.html"}
    export([second, first], tmp_path / "other")
    assert found(tmp_path / "other")["1.html"] == b"<p>one</p>"


def test_links_are_of_files_alone(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows())
    export([out], tmp_path / "files", link=True)
    assert found(tmp_path / "files") == EXPECTED
    assert (tmp_path / "files" / "3.png").stat().st_nlink == 2
    inline = bodied.make_out(tmp_path / "inline", rows(), "inline")
    with pytest.raises(UsageError, match="does not keep bodies as files; leave out --link"):
        export([inline], tmp_path / "files", link=True)


def test_a_job_that_keeps_no_bodies_says_what_to_do(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows(), "none")
    with pytest.raises(UsageError, match=r"keeps no bodies; run it .* --set output.bodies=files"):
        export([out], tmp_path / "files")


# -- WARC files ------------------------------------------------------------------------------


def test_a_body_that_the_warc_files_have_once_is_exported_for_each_line(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows(), output=Output(bodies="warc", warc_dedupe=True))
    assert b"WARC-Type: revisit" in gzip.decompress(
        (out / "bodies" / "part-00000.warc.gz").read_bytes()
    )
    export([out], tmp_path / "files")
    assert found(tmp_path / "files") == EXPECTED


@pytest.mark.parametrize(
    ("encodings", "packed"),
    [
        (["gzip"], gzip.compress(TEXT)),
        (["deflate"], zlib.compress(TEXT)),
        (["br"], brotli.compress(TEXT)),
        (["gzip, br"], brotli.compress(gzip.compress(TEXT))),
        (["gzip", "gzip"], gzip.compress(gzip.compress(TEXT))),
        (["unheard"], TEXT),
    ],
)
def test_a_packed_body_is_unpacked(tmp_path: Path, encodings: list[str], packed: bytes) -> None:
    headers = [("Content-Encoding", each) for each in encodings]
    row = replace(bodied.answered(outs.row(1), TEXT, "text/plain"), headers=headers)
    late = replace(bodied.cut(row), line=2, url=outs.url_of(2), body_bytes=len(TEXT) - 1)
    out = bodied.make_out(tmp_path, [(row, packed), (late, packed)], "warc")
    export([out], tmp_path / "files")
    assert found(tmp_path / "files") == {"1.txt": TEXT, "2.txt": TEXT[:-1]}


def test_what_came_of_a_damaged_body_is_exported(tmp_path: Path) -> None:
    row = replace(
        bodied.cut(bodied.answered(outs.row(1), TEXT, "text/plain")),
        headers=[("content-encoding", "gzip")],
    )
    packed = gzip.compress(TEXT)[:-60]
    out = bodied.make_out(tmp_path, [(row, packed)], "warc")
    export([out], tmp_path / "files")
    (data,) = found(tmp_path / "files").values()
    assert TEXT.startswith(data)


# -- damage ----------------------------------------------------------------------------------


def test_a_row_that_names_a_file_elsewhere_is_damage(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    for number, name in enumerate(("../secret", "/etc/passwd", "bodies/../../secret", "secret")):
        row = replace(bodied.answered(outs.row(1), b"secret", None), body_file=name)
        folder = tmp_path / str(number)
        folder.mkdir()
        out = outs.make_out(
            folder / "out",
            outs.write_input(folder / "urls.txt", 1),
            [row],
            output=Output(bodies="files", body_names="typed"),
            kept={1: b"secret"},
        )
        with pytest.raises(DamageError, match="the body of line 1 is not the one"):
            export([out], folder / "files")
        assert not found(folder / "files")


@pytest.mark.parametrize("mode", MODES)
def test_a_body_that_is_not_as_its_row_says_is_damage(tmp_path: Path, mode: Bodies) -> None:
    wrong = [(replace(row, sha256="0" * 64), body) for row, body in rows()[:1]]
    out = bodied.make_out(tmp_path, wrong, mode)
    with pytest.raises(DamageError, match=r"the body of line 1 is not .*`fetcher verify"):
        export([out], tmp_path / "files")
    assert not found(tmp_path / "files")


def test_a_damaged_or_missing_body_file_is_damage(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows()[:1])
    (path,) = (path for path in (out / "bodies").rglob("*") if path.is_file())
    path.write_bytes(b"<p>two</p>")
    with pytest.raises(DamageError, match=path.name):
        export([out], tmp_path / "files")
    path.unlink()
    with pytest.raises(DamageError, match=path.name):
        export([out], tmp_path / "files")
    assert not found(tmp_path / "files")


def test_a_damaged_warc_file_or_index_is_damage(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, rows(), "warc")
    for name in ("part-00000.warc.gz", "part-00000.index.jsonl"):
        path = out / "bodies" / name
        good = path.read_bytes()
        for place in (5, len(good) // 2, len(good) - 12):
            path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
            try:
                export([out], tmp_path / "files", force=True)
            except DamageError as error:
                assert "\n" not in str(error)
            made = found(tmp_path / "files")
            assert made.items() <= EXPECTED.items(), "no wrong body, and none by half"
        path.write_bytes(good)


def test_invalid_base64_in_a_body_is_damage(tmp_path: Path) -> None:
    row = replace(rows()[2][0], body="no base64", body_is="base64")
    good = replace(row, body=base64.b64encode(BODIES[3][0]).decode())
    for each in (row, replace(good, body_is=UNSET)):
        out = outs.make_out(
            tmp_path / str(each.body_is) / "out",
            outs.write_input(tmp_path / "urls.txt", 3),
            [each],
            output=Output(bodies="inline"),
        )
        with pytest.raises(DamageError, match="the body of line 3"):
            export([out], tmp_path / "files", DEFAULT, partial=True)
