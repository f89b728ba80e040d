"""manifest.json: written whole, read strictly, and OUT is prepared for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetcher.errors import ConflictError, DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.formats import LOG, TEXT
from fetcher.protocol.shard import Share
from fetcher.store import manifest
from fetcher.store.manifest import InputFacts, Manifest

SETTINGS: dict[str, dict[str, manifest.Setting]] = {
    "http": {"max_redirects": 3, "headers": ["A: ä"], "proxy": None}
}


def job(path: str = "/lists/urls.txt", name: str = "urls.txt") -> Manifest:
    return Manifest(
        "job", "2026-01-31T12:00:59+00:00", InputFacts(name, path, 9), 500, SETTINGS, {"x": "1"}
    )


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = job()
    made.share, made.share_url_lines, made.state = Share(1, 2), 7, "complete"
    manifest.write(tmp_path, made)
    assert manifest.read(tmp_path) == made
    text = (tmp_path / "manifest.json").read_text("utf-8")
    assert text.startswith('{\n  "job": "job",\n')
    assert text.endswith("}\n")
    assert "A: ä" in text
    assert list(tmp_path.iterdir()) == [tmp_path / "manifest.json"]


def test_there_is_no_manifest_before_the_job_begins(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b'{"job": 5}', b"\xff\xfe", b'{"job": "\xff"}', b"[]"]
)
def test_a_damaged_manifest_is_damage_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(DamageError, match=r"manifest\.json: cannot be read as a manifest"):
        manifest.read(tmp_path)


@pytest.mark.parametrize(("number", "is_readable"), [(0, False), (1, True), (2, True), (3, False)])
def test_the_formats_of_older_versions_are_read_and_others_refused(
    tmp_path: Path, number: int, is_readable: bool
) -> None:
    manifest.write(tmp_path, job())
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": number}))
    if is_readable:
        found = manifest.read(tmp_path)
        assert found is not None
        assert found.format == number
    else:
        with pytest.raises(ConflictError, match="made by another version of fetcher"):
            manifest.read(tmp_path)


def test_the_lines_of_a_crawl_are_those_of_its_log() -> None:
    made = job()
    assert made.line_format == TEXT
    made.crawl = CrawlRules()
    assert made.line_format == LOG


def test_an_out_is_made_with_its_parents(tmp_path: Path) -> None:
    manifest.prepare(tmp_path / "a" / "b")
    manifest.prepare(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "lock",
        "input.urls",
        "input.urls.tmp",
        "manifest.json.tmp",
        "selection.bits",
        "selection.bits.tmp",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "journal.sqlite-journal",
    ],
)
def test_what_a_crash_before_the_manifest_leaves_is_allowed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "results").mkdir()
    manifest.prepare(tmp_path)


def test_a_directory_of_other_files_is_refused_and_the_first_is_named(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "lock"):
        (tmp_path / name).touch()
    with pytest.raises(ConflictError, match=r"it holds a\.txt.*choose another, or an empty one"):
        manifest.prepare(tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "journal.sqlite"])
def test_other_files_next_to_those_of_a_job_do_no_harm(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / name).touch()
    manifest.prepare(tmp_path)


@pytest.mark.parametrize(
    ("path", "name", "given"),
    [
        ("/lists/urls.txt", "urls.txt", "/lists/urls.txt"),
        ("/lists/urls.txt", "../lists/urls.txt", "/lists/urls.txt"),
        ("/out/input.urls", "-", "-"),
    ],
)
def test_a_job_is_described_by_its_time_and_the_input_as_it_was_given(
    path: str, name: str, given: str
) -> None:
    said = manifest.how_begun(job(path, name))
    assert said == f"begun on 2026-01-31 12:00 UTC with {given}"
