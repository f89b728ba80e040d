"""Options that several commands share; those for settings: test_setting_options.py."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fetcher.cli.options import (
    OUT,
    GroupedCommand,
    command_line,
    config_options,
    given_headers,
    own_servers_option,
    page_url,
    require_no_crawl_options,
    setting_options,
    settings_of,
    typed_again,
    web_option,
    without_secret,
)
from fetcher.errors import ConfigError, UsageError
from fetcher.settings import presets
from fetcher.settings.load import Loaded, Value, load
from fetcher.settings.schema import Monitor


def parsed(*arguments: str) -> tuple[Loaded, int | None, click.Context]:
    """The settings, the port of --web, and the context of a command with these arguments."""
    found: list[tuple[Loaded, int | None, click.Context]] = []

    @click.command(cls=GroupedCommand)
    @setting_options("run")
    @config_options
    @own_servers_option
    @web_option
    def command(
        conf: Path | None, assignments: tuple[str, ...], own_servers: bool, web: int | None
    ) -> None:
        loaded = settings_of(conf, assignments, own_servers=own_servers)
        found.append((loaded, web, click.get_current_context()))

    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return found[0]


@pytest.mark.parametrize(
    ("arguments", "port"), [((), None), (("--web",), 8899), (("--web", "80"), 80)]
)
def test_the_port_of_the_page_may_be_left_out(arguments: tuple[str, ...], port: int | None) -> None:
    assert parsed(*arguments)[1] == port


def test_an_argument_after_web_that_is_not_a_port_is_named() -> None:
    with pytest.raises(click.BadParameter, match=r"'urls.txt' is not a port; for the default port"):
        parsed("--web", "urls.txt")
    with pytest.raises(click.BadParameter, match="65536"):
        parsed("--web", "65536")


def test_an_assignment_without_a_value_shows_no_more_than_the_key() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed("--set", "http.proxy http://me:s3cret@p")
    assert str(caught.value) == "--set http.proxy: write it as section.key=value"


def test_assignments_are_stripped_and_are_their_own_origin() -> None:
    loaded = parsed("--set", " http.max_redirects = 3 ")[0]
    assert loaded.settings.http.max_redirects == 3
    assert loaded.origins["http.max_redirects"] == "--set http.max_redirects"


@pytest.mark.parametrize(
    ("arguments", "enabled", "delay_s"),
    [
        ((), False, None),
        (("--set=polite.delay_s=2",), True, 2.0),
        (("--per-host=3",), True, 0.0),
        (("--robots",), True, 0.0),
        (("--no-robots",), False, None),
        (("--set=polite.enabled=false",), False, None),
        (("--set=polite.enabled=true",), True, None),
    ],
)
def test_own_servers_lift_politeness_unless_a_pace_is_asked_for(
    arguments: tuple[str, ...], enabled: bool, delay_s: float | None
) -> None:
    polite = parsed("--own-servers", *arguments)[0].settings.polite
    assert polite.enabled == enabled
    if delay_s is not None:
        assert polite.delay_s == delay_s


def test_each_option_overrides_own_servers() -> None:
    loaded = parsed("--own-servers", "--set=retry.attempts=7")[0]
    assert loaded.settings.retry.attempts == 7
    changed = {key for key, origin in loaded.origins.items() if origin == "--own-servers"}
    assert changed == set(presets.OWN_SERVERS) - {"retry.attempts"}


def test_options_are_typed_again_without_secrets() -> None:
    context = parsed("--timeout=7", "--no-robots", "--header=A: s3cret", "--workers=2")[2]
    again = list(typed_again(context, "retry"))
    assert ("--timeout", "7") in again
    assert ("--no-robots",) in again
    assert "s3cret" not in str(again)
    assert given_headers(context) == ["A"]


@pytest.mark.parametrize("origin", ["--depth", "--sitemaps", "--no-sitemaps", "--set crawl.depth"])
def test_crawl_options_are_refused_for_a_list(origin: str) -> None:
    given = load(environ={}, overrides={"crawl.depth": (3, origin)})
    with pytest.raises(UsageError, match=rf"^{origin}: is for a crawl; add --crawl$"):
        require_no_crawl_options(given, "add --crawl")


@pytest.mark.parametrize(
    ("key", "value", "origin"),
    [
        ("crawl.depth", 3, "my.toml"),
        ("http.max_redirects", 3, "--set http.max_redirects"),
        ("polite.robots", True, "--robots"),
    ],
)
def test_other_settings_are_not_refused_for_a_list(key: str, value: Value, origin: str) -> None:
    require_no_crawl_options(load(environ={}, overrides={key: (value, origin)}), "add --crawl")


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--header=A: b", "--header=A: …"),
        ("--header=odd", "--header=…"),
        ("--set=http.proxy=http://p", "--set=http.proxy=…"),
        ("http.proxy=x", "http.proxy=…"),
        ("--set=http.max_redirects=3", "--set=http.max_redirects=3"),
        ("http://me:pw@h/a@b", "http://…@h/a@b"),
        ("HTTPS:\\\\me@h", "HTTPS:\\\\…@h"),
        ("socks5://me:pw@p:1", "socks5://…@p:1"),
        ("me:pw@host/x", "…@host/x"),
        ("http://h/?mail=a@b", "http://h/?mail=a@b"),
        ("urls@home.txt", "urls@home.txt"),
    ],
)
def test_secrets_of_an_argument_are_not_shown(argument: str, shown: str) -> None:
    assert without_secret(argument) == shown


def test_a_command_line_is_quoted_for_a_shell_and_hides_headers() -> None:
    given = ["run", "my urls.txt", "--header", "A: s3cret", "--header", "odd", "-o", "out"]
    assert command_line(given) == ("fetcher run 'my urls.txt' --header 'A: …' --header '…' -o out")


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:80/"), ("::1", "http://[::1]:80/")]
)
def test_the_url_of_the_page(host: str, url: str) -> None:
    assert page_url(Monitor(host=host, http=80)) == url


def test_help_has_groups_and_puts_what_has_none_last() -> None:
    @click.command(cls=GroupedCommand)
    @setting_options("run")
    @click.option("--odd", help="Odd.")
    def command(odd: str | None) -> None:
        """Nothing."""

    text = CliRunner().invoke(command, ["--help"]).output
    heads = [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert heads == [
        *("Input", "Output", "Requests", "Speed", "Politeness", "Cluster"),
        *("Display and exit code", "Other"),
    ]
    assert text.index("--odd") > text.index("Other:")


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    @click.command
    @click.option("-o", type=OUT)
    def command(o: Path) -> None:
        assert isinstance(o, Path)

    assert CliRunner().invoke(command, ["-o", "fine"]).exit_code == 0
    with pytest.raises(UsageError, match="-o"):
        CliRunner().invoke(command, ["-o", "odd\udcff"], catch_exceptions=False)
