"""`fetcher export --files` on the command line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from fetcher.cli.main import cli
from fetcher.errors import Exit, FetcherError, UsageError
from fetcher.model import Outcome
from fetcher.rows.body_names import parsed
from support import bodied, jobs, outs
from support.waiting import wait_until
from tools.site.running import RunningSite


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["files", "inline", "warc"])
def test_a_job_that_kept_bodies_gives_files_that_open(
    site: RunningSite, tmp_path: Path, mode: str
) -> None:
    pages = [f"/page/{n}" for n in range(224, 234)]
    paths = [*pages, "/gzip/9000", "/redirect/2", "/bytes/0", "/status/404"]
    lines = [{"url": site.url(path), "id": path} for path in paths]
    urls = tmp_path / "urls.jsonl"
    urls.write_text("".join(json.dumps(line) + "\n" for line in (*lines, {"url": "no url"})))
    out = tmp_path / "out"
    options = ("--workers=1", "--set=polite.enabled=false", f"--set=output.bodies={mode}")
    done = jobs.call("run", urls, "-o", out, *options, "-q")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "files"
    made = jobs.call("export", out, "--files", folder, "--filename={id}{ext}", "--with-rows")
    assert made.returncode == 0, made.stderr
    rows = {row.line: row for row in jobs.rows(out)}
    size = f"{sum(row.body_bytes or 0 for row in rows.values()) / 1024:.1f} KiB"
    assert made.stderr == f"{folder}: {len(paths)} files, {size}, 1 row had no body\n"
    found = files(folder)
    assert len(found) == 2 * len(paths)
    for name, data in found.items():
        if not name.endswith(".json"):
            row = json.loads(found[f"{name}.json"])
            assert name.startswith(row["id"].replace("/", "_") + ".")
            assert len(data) == row["body_bytes"]
            assert (Path(name).suffix == ".png") == data.startswith(b"\x89PNG")
            assert row["url"] == rows[row["line"]].url
    again = jobs.call("export", out, "--files", folder, "--filename={id}{ext}", "--with-rows")
    assert f"{len(paths)} of them were there already" in again.stderr
    assert files(folder) == found


def test_what_stops_it_leaves_whole_files_and_the_same_command_goes_on(tmp_path: Path) -> None:
    rows = [
        (bodied.answered(outs.row(line), b"body %d" % line, "text/plain"), b"body %d" % line)
        for line in range(1, 9)
    ]
    out, folder = bodied.make_out(tmp_path, rows), tmp_path / "files"
    command = ("export", out, "--files", folder, "--sort=line")
    (row,) = [row for row in jobs.rows(out) if row.line == 5]
    said = parsed(str(row.body_file))
    assert said is not None
    body = out / said.path
    body.unlink()
    os.mkfifo(body)  # whoever reads it waits
    whole = {f"{line:08}.txt": b"body %d" % line for line in range(1, 5)}
    part = folder / ".fetcher-export.tmp"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with jobs.running(*command) as job:
            wait_until(lambda: part.exists() and len(files(folder)) == 5, what="the fifth body")
            job.process.send_signal(number)
            code, _, error = job.wait()
        if number != signal.SIGKILL:
            assert code == Exit.STOPPED
            said_last = f"stopped; {folder} has 4 whole files; the same command resumes"
            assert error == f"fetcher: {said_last}\n"
            assert files(folder) == whole
    assert part.exists()
    body.unlink()
    body.write_bytes(b"body 5")
    done = jobs.call(*command)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"{folder}: 8 files, 48 B, 4 of them were there already\n"
    assert files(folder) == {f"{line:08}.txt": b"body %d" % line for line in range(1, 9)}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete OUT of one body and one row without."""
    row = bodied.answered(outs.row(1), b"{}", "application/json")
    return bodied.make_out(
        tmp_path_factory.mktemp("made"), [(row, b"{}"), (outs.row(2, Outcome.DNS), None)]
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--files=x", "--to=csv"), "--to does not go with --files"),
        (("--files=x", "-o", "y.csv"), "-o does not go with --files"),
        (("--files=x", "--columns=line"), "--columns does not go with --files"),
        (("--filename={line}",), "--filename goes with --files DIR"),
        (("--to=csv", "--with-rows"), "--with-rows goes with --files DIR"),
        (("--to=csv", "--link"), "--link goes with --files DIR"),
        (("--files=x", "--filename={lin}{ext}"), "there is no {lin} (did you mean line?)"),
        (("--files=x", "--filename={id}"), "the lines of this input have none"),
        (("--files=x", "--where=status=x"), "--where 'status=x'"),
        (("--files", "OUT/files"), "lies within"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [each.replace("OUT", str(out)) for each in arguments]
    with pytest.raises(FetcherError) as caught:
        cli.main(["export", str(out), *given], standalone_mode=False)
    assert isinstance(caught.value, UsageError)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert not (out / "files").exists()


def test_other_content_is_refused_and_replaced_by_force(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "files" / "00000001.json"
    path.parent.mkdir()
    path.write_bytes(b"[]")
    refused = jobs.call("export", out, "--files", path.parent)
    assert refused.returncode == Exit.USAGE
    assert refused.stderr.startswith(f"fetcher: {path}: is there already, with other content")
    assert path.read_bytes() == b"[]"
    forced = jobs.call("export", out, "--files", path.parent, "--force", "--quiet")
    assert (forced.returncode, forced.stderr, path.read_bytes()) == (0, "", b"{}")
