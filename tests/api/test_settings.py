"""Settings as arguments: pleasant to write, impossible to mistake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fetcher.api import Job
from fetcher.api import settings as chosen
from fetcher.errors import ConfigError, UsageError
from fetcher.settings.schema import Settings


def settings(
    named: Mapping[str, object] | None = None,
    *,
    conf: Path | None = None,
    of_items: bool = True,
    sections: Mapping[str, object] | None = None,
    **short: object,
) -> Settings:
    return chosen.settings_of(conf, named or {}, short, sections or {}, of_items=of_items).settings


def test_a_section_a_full_name_and_a_short_name_say_the_same() -> None:
    for found in (
        settings(sections={"worker": {"pool_size": 7}}),
        settings({"worker.pool_size": 7}),
        settings(pool_size=7),
    ):
        assert found.worker.pool_size == 7


def test_arguments_come_after_the_environment_and_that_after_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "my.toml"
    conf.write_text("[worker]\npool_size = 1\nprocesses = 1\n[job]\nbatch_size = 1\n")
    monkeypatch.setenv("FETCHER_WORKER__POOL_SIZE", "2")
    monkeypatch.setenv("FETCHER_WORKER__PROCESSES", "2")
    found = settings(conf=conf, pool_size=3)
    assert (found.worker.pool_size, found.worker.processes, found.job.batch_size) == (3, 2, 1)


@pytest.mark.parametrize("agent", ["5", "true", "a # b", '"quoted"', "[1]"])
def test_a_text_is_a_text_and_not_parsed_again(agent: str) -> None:
    assert settings(sections={"http": {"user_agent": agent}}).http.user_agent == agent


def test_values_may_be_what_python_has_for_them() -> None:
    found = settings(
        {"retry.statuses": (429, 503), "guard.allow": ["10.0.0.0/8"], "http.total_timeout_s": 5}
    )
    assert found.retry.statuses == (429, 503)
    assert found.guard.allow == ("10.0.0.0/8",)
    assert found.http.total_timeout_s == 5.0
    headers = {"Authorization": "Bearer x", "Accept": "*/*"}
    assert settings(sections={"http": {"headers": headers}}).http.headers == (
        "Authorization: Bearer x",
        "Accept: */*",
    )
    cookies = Path("/some/cookies.txt")
    assert settings({"http.cookies_file": cookies}).http.cookies_file == "/some/cookies.txt"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pool_size": 0}, "pool_size: worker.pool_size = 0: must be a whole number, at least 1"),
        (
            {"http": {"total_timeout_s": -1}},
            "http: http.total_timeout_s = -1: must be a number, more than 0",
        ),
        (
            {"http": {"total_timeout": 1}},
            r"http: unknown setting http.total_timeout \(did you mean http.total_timeout_s\?\)",
        ),
        (
            {"settings": {"pool_size": 5}},
            r"settings: unknown setting pool_size \(did you mean worker.pool_size\?\)",
        ),
        ({"settings": {"worker.pool_size": "5"}}, "settings: worker.pool_size = '5': must be a"),
        ({"settings": "worker.pool_size=5"}, "settings: 'worker.pool_size=5' is not a dict; write"),
        ({"settings": {7: 5}}, "settings: 7 is not a name; write 'section.key'"),
        ({"total_timeout_s": 10}, r"total_timeout_s: is a .* write http=\{'total_timeout_s': …\}"),
        ({"poolsize": 10}, r"poolsize: unknown argument \(did you mean pool_size\?\)"),
        ({"http": 10}, r"http: is a section; write http=\{'…': …\}"),
        (
            {"pool_size": 5, "worker": {"pool_size": 5}},
            "worker: worker.pool_size is given twice, also as pool_size",
        ),
        ({"input": {"format": "csv"}}, "input: input.format is for files"),
        ({"settings": {"log.format": "json"}}, "settings: log.format is for the command"),
        ({"http": {"ca_file": "/no/where.pem"}}, "http.ca_file: /no/where.pem: No such file"),
        ({"conf": "/no/where.toml"}, "/no/where.toml: No such file"),
    ],
)
def test_a_mistake_names_the_argument_before_anything_is_started(
    arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{said}") as caught:
        Job(["http://test.invalid/"], **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_environment_does_not_change_what_the_api_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCHER_INPUT__FORMAT", "csv")
    monkeypatch.setenv("FETCHER_LOG__FORMAT", "json")
    assert settings().input.format == "jsonl"
    assert settings().log.format == "text"
    assert settings(of_items=False).input.format == "csv"


def test_paths_and_texts_that_are_not_utf8_are_named_before_anything_is_started(
    tmp_path: Path,
) -> None:
    path = tmp_path / "na\udcffme"
    with pytest.raises(UsageError, match=r"^out: .*na\\xffme is not valid UTF-8"):
        Job(["http://a.invalid/"], out=path)
    with pytest.raises(UsageError, match=r"^urls: .*na\\xffme is not valid UTF-8"):
        Job(path)
    with pytest.raises(ConfigError, match=r"^http: http.user_agent is not valid UTF-8"):
        Job(["http://a.invalid/"], http={"user_agent": "\udcff"})


def a_handler(_page: object) -> None:
    """Not a name that workers could find, where it is passed itself."""


class _Auth:
    def __call__(self, request: object) -> object:
        return request


@pytest.mark.parametrize(
    ("value", "named"),
    [(a_handler, f"{__name__}:a_handler"), (lambda _: None, "module:name"), (_Auth(), "module:")],
)
def test_a_function_itself_is_refused_with_how_to_name_it(value: object, named: str) -> None:
    for section, name in (("worker", "handler"), ("http", "auth")):
        with pytest.raises(ConfigError, match="workers are other processes") as error:
            settings(sections={section: {name: value}})
        assert str(error.value).startswith(f"{section}: {section}.{name}: ")
        assert f"write '{named}" in str(error.value)
