"""Checks that the manifest and the journal of a job agree.

The journal decides; the manifest is a copy for people and for other programs. If they disagree, the
data is damaged, and the error is raised before anything is written or handed out.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import fields, replace

from fetcher.errors import DamageError
from fetcher.store.journal_tables import Facts
from fetcher.store.manifest import FORMAT, MANIFEST_NAME, Manifest


def fixed_part(manifest: Manifest) -> Manifest:
    """The manifest with only those values that never change after the job has begun."""
    begun = replace(manifest.input, sha256=None, url_lines=None)
    return replace(manifest, input=begun, state="running", share_url_lines=None, format=FORMAT)


def require_agreement(out: Path, manifest: Manifest, known: Facts) -> None:
    """Raises DamageError if manifest and journal disagree; the message names the value."""
    path, source, rows = out / MANIFEST_NAME, known.source, known.totals.rows
    if known.manifest is not None:
        _require_same(path, fixed_part(manifest), fixed_part(known.manifest))
    counted = manifest.share_url_lines
    for name, in_manifest, in_journal in (
        ("share_url_lines", counted, known.share_url_lines),
        ("input.sha256", manifest.input.sha256, source.checked_sha256 if source.at_end else None),
        ("input.url_lines", manifest.input.url_lines, source.url_lines if source.at_end else None),
    ):
        if None not in (in_manifest, in_journal) and in_manifest != in_journal:
            raise _differs(path, name, in_manifest, in_journal)
    if manifest.state == "complete" and rows != counted:
        raise DamageError(
            f"{path}: says that the job is complete, with {counted} URL lines, but the journal has "
            f"{rows} rows; restore a backup of OUT"
        )


def _require_same(path: Path, manifest: Manifest, known: Manifest) -> None:
    for field in fields(Manifest):
        in_manifest, in_journal = getattr(manifest, field.name), getattr(known, field.name)
        if in_manifest != in_journal:
            raise _differs(path, field.name, in_manifest, in_journal)


def _differs(path: Path, name: str, in_manifest: object, in_journal: object) -> DamageError:
    if not isinstance(in_manifest, str | int):
        return DamageError(f"{path}: {name} is not what the job was begun with; restore the file")
    return DamageError(
        f"{path}: {name} is {in_manifest}, and the job was begun with {in_journal}; "
        "restore the file"
    )
