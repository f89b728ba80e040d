"""The tables [[routes]]: read, checked, shown and recorded."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fetcher.errors import ConfigError
from fetcher.settings import docs, load
from fetcher.settings.schema import Route, Settings

TABLES = """
[[routes]]
name = "eu"
match = ["host:example.de", "url:^https?://[^/]+/eu/"]

[[routes]]
name = "own"
"""
ROUTES = (
    Route(name="eu", match=("host:example.de", "url:^https?://[^/]+/eu/")),
    Route(name="own"),
)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text(text)
    return path


def test_tables_are_read_in_order(tmp_path: Path) -> None:
    loaded = load.load(file(tmp_path, TABLES), {})
    assert loaded.settings.routes == ROUTES
    assert loaded.origins == {"routes": str(tmp_path / "routes.toml")}


def test_one_rule_may_be_a_text(tmp_path: Path) -> None:
    text = '[[routes]]\nname = "eu"\nmatch = "host:de"\n'
    assert load.load(file(tmp_path, text), {}).settings.routes[0].match == ("host:de",)


def test_they_may_be_given_in_the_environment_and_by_a_program() -> None:
    text = '[{name = "eu", match = ["host:de"]}]'
    expected = (Route(name="eu", match=("host:de",)),)
    assert load.load(environ={"FETCHER_ROUTES": text}).settings.routes == expected
    assert load.load(environ={}, overrides={"routes": (text, "--set")}).settings.routes == expected
    given: Any = [{"name": "eu", "match": ["host:de"]}]
    assert (
        load.load(environ={}, arguments={"routes": (given, "routes")}).settings.routes == expected
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('routes = "eu"', "is a list of tables"),
        ("[routes]\nname = 'eu'", "is a list of tables"),
        ("[[routes]]\nmatch = ['host:de']", r"\[\[routes\]\] 1: has no name"),
        ("[[routes]]\nname = 'e u'", "name = 'e u': must be 1 to 40 of"),
        ("[[routes]]\nname = 'eu'\nmtach = []", "unknown setting mtach; a route has: name, match"),
        ("[[routes]]\nname = 'eu'\nmatch = ['example.de']", "must be a list of host:SUFFIX and"),
        ("[[routes]]\nname = 'eu'\nmatch = ['host:http://a/']", "must be a list of host:SUFFIX"),
        ("[[routes]]\nname = 'eu'\nmatch = ['host:a:80']", "must be a list of host:SUFFIX"),
        ("[[routes]]\nname = 'eu'\nmatch = ['url:(']", r"match: '\(' is not a regular expression"),
        ("[[routes]]\nname = 'eu'\nqueue = 'a b'", "queue = 'a b': must be up to 100 letters"),
        ("[[routes]]\nname = 'eu'\nworkers = -1", "workers = -1: must be a whole number from 0"),
        ("[[routes]]\nname = 'default'", "is the route of all other lines"),
        ("[[routes]]\nname = 'a'\n[[routes]]\nname = 'a'", "two .* have the name a"),
        ("".join(f"[[routes]]\nname = 'r{n}'\n" for n in range(33)), "there may be 32"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load.load(file(tmp_path, value), {})


def test_they_are_recorded_by_name_and_only_if_there_are_any() -> None:
    assert "routes" not in load.dump(Settings())
    found = load.without_secrets(Settings(routes=ROUTES))["routes"]
    assert found == {"eu": ["host:example.de", "url:^https?://[^/]+/eu/"], "own": []}


def test_the_example_in_the_file_and_on_the_page_can_be_used(tmp_path: Path) -> None:
    commented = docs.example().split("# [[routes]]\n")[1]
    text = "[[routes]]\n" + commented.replace("# ", "")
    assert load.load(file(tmp_path, text), {}).settings.routes[0].name == "eu"
    page = docs.markdown().split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(page) == tomllib.loads(text)
