"""Settings that contradict how a job was begun.

Law: what was decided when OUT was begun stays. A setting that somebody gave and that says otherwise
is an error, as it would be ignored; a default contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from fetcher.errors import ConflictError
from fetcher.input.formats import LineFormat
from fetcher.protocol.output_spec import Output
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store import manifest, reader
from fetcher.store.manifest import Manifest

LEAVE_OUT: Final = "leave {} out, or choose another OUT"


class Begun(NamedTuple):
    """What is decided when a job begins."""

    batch_size: int
    output: Output
    format: LineFormat | None = None  # None: not judged

    def settings(self) -> dict[str, load.Value]:
        """The settings that say this, by `section.key`."""
        values: dict[str, load.Value] = {"job.batch_size": self.batch_size}
        for name, value in msgspec.structs.asdict(self.output).items():
            values[f"output.{name}"] = value
        return values | ({} if self.format is None else _input_settings(self.format))


def _input_settings(of: LineFormat) -> dict[str, load.Value]:
    if of.kind != "csv":
        return {"input.format": of.kind}
    return {
        "input.format": of.kind,
        "input.url_column": of.url_column,
        "input.keep_columns": of.keep_columns,
    }


def begun_by(begun: Manifest) -> Begun:
    """How the job of this manifest was begun."""
    return Begun(begun.batch_size, begun.output, begun.input.format)


def require_same(
    who: str, begun: Begun, settings: Settings, given: Mapping[str, str], remedy: str = LEAVE_OUT
) -> None:
    """Raises ConflictError where a given setting contradicts the job's.

    `who`: the beginning of the message, up to what the job has; `given`: `section.key` -> where it
    came from, of settings that are not at their defaults; `remedy`: its {} stands for the settings.
    """
    asked = load.dump(settings)
    differences = []
    for key, value in begun.settings().items():
        if key not in given:  # body_names is not a setting, and never given
            continue
        section, _, name = key.partition(".")
        wanted = asked[section][name]
        # Which format `auto` means goes by the file's name.
        if wanted != value and (key, wanted) != ("input.format", "auto"):
            differences.append(
                f"{key} = {load.toml(value)}, not {load.toml(wanted)} ({given[key]})"
            )
    if differences:
        these = "this setting" if len(differences) == 1 else "these settings"
        raise ConflictError(f"{who} {'; '.join(differences)}; {remedy.format(these)}")


def require_as_begun(out: Path, urlfile: Path, given: load.Loaded) -> None:
    """Before a job is begun or resumed in OUT. Raises ConflictError, DamageError.

    Nothing is said where OUT is new, or was begun with another file: that is the worse mistake.
    """
    found = manifest.read(out) if out.is_dir() else None
    if found is None or not urlfile.is_file() or urlfile.stat().st_size != found.input.bytes:
        return
    try:
        require_same(f"{out} was begun with", begun_by(found), given.settings, given.origins)
    except ConflictError:
        reader.read_both(out)  # raises DamageError where it is the manifest that was changed
        raise
