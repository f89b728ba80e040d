"""conf/cluster.toml: it loads, and so does each alternative that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fetcher.settings import load as config
from support.jobs import ROOT

EXAMPLE = (ROOT / "conf" / "cluster.toml").read_text("utf-8")
_SETTING = re.compile(r"#?(\w+) = ")


def sections() -> dict[str, list[str]]:
    """Lines of settings and of alternatives by section."""
    found: dict[str, list[str]] = {}
    for line in EXAMPLE.splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = lines = []
        elif line and not line.startswith("# "):
            lines.append(line)
    return found


ALTERNATIVES = [
    (section, line.removeprefix("#"))
    for section, lines in sections().items()
    for line in lines
    if line.startswith("#")
]


def load(tmp_path: Path, text: str) -> config.Loaded:
    path = tmp_path / "cluster.toml"
    path.write_text(text, "utf-8")
    return config.load(path, {})


def test_it_loads_and_says_where_the_roles_meet(tmp_path: Path) -> None:
    settings = load(tmp_path, EXAMPLE).settings
    assert settings.endpoints.ventilator == "tcp://10.0.0.1:5700"
    assert settings.endpoints.sink == ("tcp://10.0.0.2:5710",)
    ports = (settings.metrics.ventilator_port, settings.metrics.sink_port)
    assert len({*ports, settings.metrics.worker_port, 0}) == 4


@pytest.mark.parametrize(("section", "line"), ALTERNATIVES)
def test_each_alternative_loads_in_the_place_of_what_it_replaces(
    tmp_path: Path, section: str, line: str
) -> None:
    key = line.partition(" ")[0]
    text = ""
    for name, lines in sections().items():
        kept = [x for x in lines if not x.startswith("#")]
        if name == section:
            kept = [x for x in kept if not x.startswith(f"{key} = ")] + [line]
        text += "\n".join([f"[{name}]", *kept, ""])
    loaded = load(tmp_path, text)
    before = load(tmp_path, EXAMPLE).settings
    new = getattr(getattr(loaded.settings, section), key)
    assert new != getattr(getattr(before, section), key), "it is an alternative"


def test_every_line_is_a_remark_a_setting_or_an_alternative() -> None:
    assert len(ALTERNATIVES) >= 5
    for lines in sections().values():
        assert all(_SETTING.match(line) for line in lines), lines


def test_two_sinks_are_two_sinks(tmp_path: Path) -> None:
    pairs = [line for section, line in ALTERNATIVES if section == "endpoints"]
    for line in pairs:
        settings = load(tmp_path, f"[endpoints]\n{line}\n").settings
        assert len(settings.endpoints.sink) == 2
