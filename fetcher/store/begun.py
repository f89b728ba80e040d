"""Finds settings that contradict how a job was begun.

Some settings are fixed when a job begins. If a user gives another value later, that is an error, as
the value would be ignored. A default value never contradicts the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from fetcher.errors import ConflictError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.formats import LineFormat
from fetcher.protocol.output_spec import Output
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store import manifest, reader
from fetcher.store.manifest import Manifest

LEAVE_OUT: Final = "leave {} out, or choose another OUT"


class FixedSettings(NamedTuple):
    """The settings that are fixed when a job begins."""

    batch_size: int
    output: Output
    format: LineFormat | None = None  # None: is not checked
    crawl: CrawlRules | None = None  # None: a list

    def settings(self) -> dict[str, load.Value]:
        """The same as values by `section.key`."""
        values: dict[str, load.Value] = {"job.batch_size": self.batch_size}
        for name, value in msgspec.structs.asdict(self.output).items():
            values[f"output.{name}"] = value
        values |= {} if self.format is None else _input_settings(self.format)
        return values | ({} if self.crawl is None else _crawl_settings(self.crawl))


def _input_settings(of: LineFormat) -> dict[str, load.Value]:
    if of.kind != "csv":
        return {"input.format": of.kind}
    return {
        "input.format": of.kind,
        "input.url_column": of.url_column,
        "input.keep_columns": of.keep_columns,
    }


def _crawl_settings(rules: CrawlRules) -> dict[str, load.Value]:
    values = {
        f"crawl.{name}": [*value] if isinstance(value, tuple) else value
        for name, value in msgspec.structs.asdict(rules).items()
    }
    values["polite.robots"] = values.pop("crawl.robots")
    return values


def fixed_settings_of(begun: Manifest) -> FixedSettings:
    """The fixed settings of the job of this manifest."""
    return FixedSettings(begun.batch_size, begun.output, begun.input.format, begun.crawl)


def rules_as_begun(out: Path, rules: CrawlRules) -> CrawlRules:
    """The rules of the crawl in OUT, after `require_as_begun`; `rules` if it is to begin."""
    found = manifest.read(out) if out.is_dir() else None
    return rules if found is None or found.crawl is None else found.crawl


def require_same(
    who: str,
    begun: FixedSettings,
    settings: Settings,
    given: Mapping[str, str],
    remedy: str = LEAVE_OUT,
) -> None:
    """Raises ConflictError if a given setting contradicts the job's.

    `who`: how the message begins, before the job's values; `given`: the origin of each setting that
    is not a default, by `section.key`; `remedy`: how the message ends, with {} for "this setting".
    """
    asked = load.dump(settings)
    differences = []
    for key, value in begun.settings().items():
        if key not in given:  # body_names is not a setting, so it is never given
            continue
        section, _, name = key.partition(".")
        wanted = asked[section][name]
        # `auto` stands for the format that the file's name says.
        if wanted != value and (key, wanted) != ("input.format", "auto"):
            differences.append(
                f"{key} = {load.toml(value)}, not {load.toml(wanted)} ({given[key]})"
            )
    if differences:
        these = "this setting" if len(differences) == 1 else "these settings"
        raise ConflictError(f"{who} {'; '.join(differences)}; {remedy.format(these)}")


def require_as_begun(out: Path, urlfile: Path, given: load.Loaded) -> None:
    """Check the settings before a job is begun or resumed in OUT.

    Raises ConflictError, DamageError. Checks nothing if OUT is new, or was begun with another file:
    a later check reports that, as it is the worse mistake.
    """
    found = manifest.read(out) if out.is_dir() else None
    if found is None or not urlfile.is_file() or urlfile.stat().st_size != found.input.bytes:
        return
    try:
        require_same(
            f"{out} was begun with", fixed_settings_of(found), given.settings, given.origins
        )
    except ConflictError:
        reader.read_part(out)  # raises DamageError if the manifest was changed
        raise
