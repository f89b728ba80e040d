"""The facts of a job: its input, state and settings, from the manifest and the journal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fetcher.commit.rate import Work, together
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store.manifest import Setting
from fetcher.store.reader import Part
from fetcher.watch import status
from fetcher.watch.crawl_view import CrawlView


class SettingShown(msgspec.Struct, frozen=True):
    """One setting as TOML writes it; `default` is None where this version has no such setting."""

    name: str
    value: str
    default: str | None

    @property
    def changed(self) -> bool:
        return self.value != self.default


class Job(msgspec.Struct, frozen=True):
    """The facts; `state` is running, stopped or complete."""

    job: str
    input: str
    input_path: str
    input_bytes: int
    input_sha256: str | None
    created_at: str
    updated_at_s: float | None
    work: Work | None  # see fetcher.commit.rate; None for a job of an older version
    state: str
    committed: int  # rows
    url_lines: int | None
    url_lines_exact: bool
    crawl: CrawlView | None  # None: the job is a list
    absent: list[str]  # sinks of the job that were not looked at
    settings: list[SettingShown]
    versions: dict[str, str]


def job_of(parts: Sequence[Part]) -> Job:
    """The facts of the job with these parts, one of each sink."""
    outs = [part.out for part in parts]
    found = status.look(outs)
    of = parts[0].manifest
    updated = [part.view.updated_at_s for part in parts if part.view.updated_at_s is not None]
    return Job(
        job=of.job,
        input=of.input.name,
        input_path=of.input.path,
        input_bytes=of.input.bytes,
        input_sha256=of.input.sha256,
        created_at=of.created_at,
        updated_at_s=max(updated, default=None),
        work=_work(parts),
        state=found.state,
        committed=sum(part.view.recovered.totals.rows for part in parts),
        url_lines=found.url_lines,
        url_lines_exact=found.url_lines_exact,
        crawl=found.crawl,
        absent=found.absent,
        settings=_settings(of.settings),
        versions=of.versions,
    )


def _work(parts: Sequence[Part]) -> Work | None:
    works = [part.view.work for part in parts if part.view.work is not None]
    return together(works) if len(works) == len(parts) else None


def _settings(found: dict[str, dict[str, Setting]]) -> list[SettingShown]:
    defaults = load.dump(Settings())
    return [
        SettingShown(
            f"{section}.{name}",
            load.toml(value),
            load.toml(defaults[section][name]) if name in defaults.get(section, {}) else None,
        )
        for section, values in found.items()
        for name, value in values.items()
    ]
