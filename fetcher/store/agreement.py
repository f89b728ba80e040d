"""Checks that the manifest and the journal of a job agree.

Law: the journal is believed; the manifest is a copy for people and for other programs. If they
disagree, the data is damaged: the error is raised before anything is written or handed out.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import fields, replace

from fetcher.errors import DamageError
from fetcher.store.journal import Facts
from fetcher.store.manifest import FORMAT, MANIFEST_NAME, Manifest


def unchanging(manifest: Manifest) -> Manifest:
    """The part of a manifest that stays as the job was begun."""
    begun = replace(manifest.input, sha256=None, url_lines=None)
    return replace(manifest, input=begun, state="running", share_url_lines=None, format=FORMAT)


def require_agreement(out: Path, manifest: Manifest, known: Facts) -> None:
    """Raises DamageError, with one line that names what differs."""
    path, source, rows = out / MANIFEST_NAME, known.source, known.totals.rows
    if known.manifest is not None:
        _require_same(path, unchanging(manifest), unchanging(known.manifest))
    counted = manifest.share_url_lines
    for name, told, knows in (
        ("share_url_lines", counted, known.share_url_lines),
        ("input.sha256", manifest.input.sha256, source.checked_sha256 if source.at_end else None),
        ("input.url_lines", manifest.input.url_lines, source.url_lines if source.at_end else None),
    ):
        if told is not None and knows is not None and told != knows:
            raise _differs(path, name, told, knows)
    if manifest.state == "complete" and rows != counted:
        raise DamageError(
            f"{path}: says that the job is complete, with {counted} URL lines, but the journal has "
            f"{rows} rows; restore a backup of OUT"
        )


def _require_same(path: Path, told: Manifest, known: Manifest) -> None:
    for field in fields(Manifest):
        ours, theirs = getattr(told, field.name), getattr(known, field.name)
        if ours != theirs:
            raise _differs(path, field.name, ours, theirs)


def _differs(path: Path, name: str, told: object, known: object) -> DamageError:
    if not isinstance(told, str | int):
        return DamageError(f"{path}: {name} is not what the job was begun with; restore the file")
    return DamageError(
        f"{path}: {name} is {told}, and the job was begun with {known}; restore the file"
    )
