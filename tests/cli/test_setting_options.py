"""Options for settings: their effect, their errors, and their help."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fetcher.cli.options import (
    GroupedCommand,
    command_line,
    config_options,
    setting_options,
    settings_of,
    without_secret,
)
from fetcher.cli.setting_options import SETTING_OPTIONS
from fetcher.errors import ConfigError
from fetcher.settings import describe
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings

COMMANDS = ("run", "crawl", "retry", "refresh", "get", "ventilator", "worker", "sink")


def load(name: str, *arguments: str, **environ: str) -> Loaded:
    """The settings that a command of this name has from these arguments."""
    found: list[Loaded] = []

    @click.command(cls=GroupedCommand)
    @setting_options(name)
    @config_options
    def command(conf: Path | None, assignments: tuple[str, ...]) -> None:
        found.append(settings_of(conf, assignments))

    result = CliRunner().invoke(command, arguments, env=environ)
    if result.exception:
        raise result.exception
    return found[0]


def test_each_option_sets_its_setting_and_is_its_origin() -> None:
    loaded = load(
        "run",
        *("--timeout", "7", "--bodies", "warc", "--pool-size", "9", "--workers", "2"),
        *("--batch-size", "11", "--per-host", "3", "--delay", "0.5", "--robots"),
        *("--column", "link", "--log-format", "json", "--header", "A: b", "--header", "C:d"),
    )
    settings = loaded.settings
    assert settings.http.total_timeout_s == 7.0
    assert settings.http.headers == ("A: b", "C:d")
    assert settings.output.bodies == "warc"
    assert (settings.worker.pool_size, settings.worker.processes) == (9, 2)
    assert settings.job.batch_size == 11
    assert (settings.polite.per_host, settings.polite.delay_s) == (3, 0.5)
    assert settings.polite.robots
    assert (settings.input.url_column, settings.input.format) == ("link", "csv")
    assert settings.log.format == "json"
    assert loaded.origins["http.headers"] == "--header"
    assert loaded.origins["polite.robots"] == "--robots"
    assert load("run", "--no-robots").origins == {"polite.robots": "--no-robots"}
    assert load("worker", "--standing").settings.worker.standing


@pytest.mark.parametrize("name", COMMANDS)
def test_without_options_all_is_at_its_default(name: str) -> None:
    assert load(name) == Loaded(Settings(), {})


def test_an_option_goes_before_the_file_the_environment_and_set(tmp_path: Path) -> None:
    conf = tmp_path / "conf.toml"
    conf.write_text("[http]\ntotal_timeout_s = 1\n")
    options = ("-c", str(conf), "--set", "http.total_timeout_s=2", "--timeout", "3")
    found = load("get", *options, FETCHER_HTTP__TOTAL_TIMEOUT_S="4")
    assert found.settings.http.total_timeout_s == 3.0


def test_headers_follow_those_that_are_set_elsewhere(tmp_path: Path) -> None:
    conf = tmp_path / "conf.toml"
    conf.write_text('[http]\nheaders = ["A: 1", "B: 2"]\n')
    found = load("run", "-c", str(conf), "--header", "A: 3")
    assert found.settings.http.headers == ("A: 1", "B: 2", "A: 3")
    # Of one text with commas, too, as it is easier in a shell.
    found = load("run", "--set", "http.headers=A: 1", "--header", "Accept: a, b")
    assert found.settings.http.headers == ("A: 1", "Accept: a, b")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--timeout", "5x"), "--timeout: http.total_timeout_s = '5x': must be a number"),
        (("--timeout", "0"), "--timeout: http.total_timeout_s = 0: must be a number, more than 0"),
        (("--per-host", "0"), "--per-host: polite.per_host = 0: must be a whole number, at least"),
        (("--delay", "-1"), "--delay: polite.delay_s = -1: must be a number, at least 0"),
        (("--bodies", "all"), "--bodies: output.bodies = 'all': must be one of none, inline"),
        (("--header", "s3cret"), "--header: write it as 'Name: value'"),
        (("--header", "A: s3cret\x01"), "--header: http.headers = …: must be a list of texts"),
        (("--column", ""), "--column: input.url_column = ''"),
        (
            ("--column", "a", "--set", "input.format=jsonl"),
            "--column: is for CSV, and input.format = jsonl (--set input.format)",
        ),
        (("--robots", "--set", "polite.enabled=false"), "--robots: polite.robots = true obeys"),
    ],
)
def test_a_wrong_value_is_refused_under_the_name_of_the_option(
    arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load("run", *arguments)
    assert str(caught.value).startswith(said)
    assert "s3cret" not in str(caught.value)


def test_each_option_of_a_crawl_sets_its_setting() -> None:
    crawl = load(
        "crawl",
        *("--scope", "domain", "--allow", "/a{1,2}", "--allow", "[0]", "--deny", "(?i)PDF$"),
        *("--depth", "0", "--max-pages", "9", "--max-pages-per-host", "3"),
        *("--assets", "--sitemaps"),
    ).settings.crawl
    assert (crawl.scope, crawl.allow, crawl.deny) == ("domain", ("/a{1,2}", "[0]"), ("(?i)PDF$",))
    assert (crawl.depth, crawl.max_pages, crawl.max_pages_per_host) == (0, 9, 3)
    assert (crawl.assets, crawl.sitemaps) == (True, True)
    assert not load("crawl", "--no-sitemaps").settings.crawl.sitemaps
    with pytest.raises(ConfigError, match=r"^--deny: crawl.deny: '\*' is not a regular expression"):
        load("crawl", "--deny", "*")


def test_what_is_wrong_elsewhere_is_not_charged_to_an_option() -> None:
    with pytest.raises(ConfigError, match=r"^--set http.headers: "):
        load("run", "--set", "http.headers=none", "--header", "A: b")


def test_the_help_of_each_option_names_a_setting() -> None:
    for option in SETTING_OPTIONS:
        assert option.key in describe.all_keys()
        assert set(option.commands.split()) <= set(COMMANDS)


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("ftp://me:s3cret@a/x", "ftp://…@a/x"),
        ("me:s3cret@a.example/x", "…@a.example/x"),
        ("http:me:s3cret@a", "http:…@a"),
        ("lists/me@home.txt", "lists/me@home.txt"),
        ("me@home.txt", "me@home.txt"),
        ("https://a.example/u:v@w", "https://a.example/u:v@w"),
    ],
)
def test_passwords_of_urls_are_not_shown(argument: str, shown: str) -> None:
    assert without_secret(argument) == shown


def test_help_shows_options_in_groups_and_each_once() -> None:
    @click.command(cls=GroupedCommand)
    @setting_options("run")
    @click.option("--new", help="In no group.")
    @config_options
    def command() -> None:
        """Nothing."""

    text = CliRunner().invoke(command, ["--help"]).output
    order = (
        "Input:",
        "Output:",
        "Requests:",
        "Speed:",
        "Politeness:",
        "Display and exit code:",
        "Other:",
    )
    places = [text.index(f"\n{title}\n") for title in order]
    assert places == sorted(places)
    for option in SETTING_OPTIONS:
        if "run" in option.commands.split():
            flag = option.flags.partition("/")[0]
            assert text.count(f"  {flag} ") == 1, flag
    assert "\nOther:\n  --new" in text.replace("  -h, --help", "")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("run", "--header", "A: s3cret"), "fetcher run --header 'A: …'"),
        (("run", "--header=A: s3cret"), "fetcher run '--header=A: …'"),
        (("run", "--header", "s3cret"), "fetcher run --header '…'"),
        (("run", "https://me:s3cret@a/x?y=z@b"), "fetcher run 'https://…@a/x?y=z@b'"),
        (("run", "HTTP:\\\\s3cret@a/"), "fetcher run 'HTTP:\\\\…@a/'"),
        (("run", "https://a/@b", "-o", "x@y"), "fetcher run https://a/@b -o x@y"),
    ],
)
def test_what_may_be_a_secret_is_not_in_the_command_line_that_is_shown(
    arguments: tuple[str, ...], shown: str
) -> None:
    assert command_line(arguments) == shown
