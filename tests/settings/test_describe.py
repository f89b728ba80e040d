"""The declarations of settings as data: names, types, bounds and defaults."""

from __future__ import annotations

import pytest

from fetcher.settings import describe
from fetcher.settings.schema import Settings


def test_every_setting_has_a_section_a_default_and_a_help_text() -> None:
    defaults = Settings()
    for key in describe.all_keys():
        section, _, name = key.partition(".")
        found = describe.setting(key)
        assert found.default == getattr(getattr(defaults, section), name), key
        assert found.description, key
        assert found.description[0] == found.description[0].strip(), key


def test_keys_are_in_the_order_of_sections_and_settings() -> None:
    keys = describe.all_keys()
    assert len(set(keys)) == len(keys)
    expected = [
        f"{home}.{name}" for home in describe.sections() for name in describe.settings_of(home)
    ]
    assert list(keys) == expected
    assert keys.index("job.batch_size") < keys.index("http.total_timeout_s")


def test_the_sections_that_have_a_name() -> None:
    assert describe.homes_of("pool_size") == ["worker"]
    assert set(describe.homes_of("format")) == {"input", "log"}
    assert describe.homes_of("nothing") == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("input.format", "one of auto, text, jsonl, csv, log"),
        ("job.batch_size", "a whole number, at least 1, at most 10000"),
        ("http.total_timeout_s", "a number, more than 0, at most 86400"),
        ("polite.robots", "true or false"),
        ("input.url_column", "a text, not empty"),
    ],
)
def test_the_allowed_values_in_words(key: str, words: str) -> None:
    assert describe.allowed(key) == words


def test_a_type_with_words_of_its_own_is_described_by_them() -> None:
    assert describe.allowed("guard.allow").startswith("a list of")
    assert not describe.allowed("guard.allow").startswith("a text")


def test_the_items_of_a_list_have_a_type() -> None:
    assert describe.setting("guard.allow").items is str
    assert describe.setting("job.batch_size").items is None
