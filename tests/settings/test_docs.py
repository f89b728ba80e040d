"""The files about settings that are made from their declarations."""

from __future__ import annotations

import tomllib

from fetcher.settings import describe, docs, load, presets
from fetcher.settings.schema import Settings


def test_the_example_file_has_every_setting_at_its_default() -> None:
    assert tomllib.loads(docs.example()) == load.dump(Settings())


def test_each_setting_of_the_example_has_its_help_and_values_above_it() -> None:
    lines = docs.example().splitlines()
    assert max(map(len, lines)) <= 98
    at = lines.index("batch_size = 200")
    assert lines[at - 1].startswith("# physical lines of the URL file in one batch")
    assert lines[at - 1].endswith("(a whole number, at least 1, at most 10000)")
    assert lines[at - 2] == ""


def test_the_file_for_own_servers_sets_what_the_option_sets() -> None:
    found = tomllib.loads(docs.own_servers())
    flat = {f"{home}.{name}": value for home, all_ in found.items() for name, value in all_.items()}
    assert flat == presets.OWN_SERVERS


def test_the_page_has_a_row_for_every_setting() -> None:
    text = docs.markdown()
    for section in describe.sections():
        assert f"\n## {section}\n" in text
        for name, setting in describe.settings_of(section).items():
            row = f"| `{name}` | `{load.toml(setting.default)}` | "
            assert text.count(row) >= 1, name
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(describe.all_keys())
    assert {row.count(" | ") for row in rows} == {3}, "no text breaks its table"
