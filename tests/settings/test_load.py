"""Settings: file < environment < command line, and one clear line for each mistake."""

from __future__ import annotations

import os
import re
import tomllib
import traceback
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import ConfigError
from fetcher.settings import describe, docs, load
from fetcher.settings.schema import Settings
from support.jobs import ROOT


def conf(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(text, "utf-8")
    return path


def mistake(tmp_path: Path, text: str) -> str:
    """The one line for a wrong file, without the file's name, which must come first."""
    path = conf(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load.load(path, {})
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def test_the_committed_example_holds_every_setting_at_its_default() -> None:
    path = ROOT / "conf" / "fetcher.toml"
    assert path.read_text("utf-8") == docs.example(), "write it again: make conf"
    loaded = load.load(path, {})
    assert loaded.settings == Settings()
    assert len(loaded.origins) == len(describe.all_keys())


def test_every_setting_says_what_it_means() -> None:
    for name, section in describe.sections().items():
        assert section.__doc__
        assert all(setting.description for setting in describe.settings_of(name).values())


def test_the_file_is_overridden_by_the_environment_and_that_by_the_command_line(
    tmp_path: Path,
) -> None:
    path = conf(tmp_path, "[worker]\npool_size = 1\nprocesses = 2\n[job]\nbatch_size = 3\n")
    environ = {"FETCHER_WORKER__POOL_SIZE": "10", "FETCHER_WORKER__PROCESSES": "20", "PATH": "x"}
    overrides: dict[str, tuple[load.Value, str]] = {"worker.pool_size": (100, "--pool-size")}
    loaded = load.load(path, environ, overrides)
    worker = loaded.settings.worker
    assert (worker.pool_size, worker.processes, loaded.settings.job.batch_size) == (100, 20, 3)
    assert loaded.origins == {
        "worker.pool_size": "--pool-size",
        "worker.processes": "FETCHER_WORKER__PROCESSES",
        "job.batch_size": str(path),
    }


def test_robots_txt_is_not_to_be_obeyed_where_politeness_is_off(tmp_path: Path) -> None:
    said = mistake(tmp_path, "[polite]\nenabled = false\nrobots = true\n")
    assert said == (
        "polite.robots = true obeys nothing while polite.enabled = false "
        f"({tmp_path / 'my.toml'}); change one of them"
    )
    path = conf(tmp_path, "[polite]\nrobots = true\n")
    with pytest.raises(ConfigError, match=r"my.toml: .*\(FETCHER_POLITE__ENABLED\)"):
        load.load(path, {"FETCHER_POLITE__ENABLED": "false"})
    assert load.load(path, {}).settings.polite.robots


@pytest.mark.parametrize(
    "rules",
    [
        "status:401",
        " status:401 | redirect:/login|text:Please: log in ",
        "redirect:https://a.test/",
    ],
)
def test_what_ends_a_session_is_a_list_of_rules(rules: str) -> None:
    given = {"FETCHER_HTTP__LOGIN": "m:f", "FETCHER_HTTP__LOGGED_OUT": rules}
    assert load.load(None, given).settings.http.logged_out == rules


@pytest.mark.parametrize(
    "rules", ["401", "status:41", "text:", "text: ", "|", "status:401|", "x:y"]
)
def test_rules_that_mean_nothing_are_refused(rules: str) -> None:
    given = {"FETCHER_HTTP__LOGIN": "m:f", "FETCHER_HTTP__LOGGED_OUT": rules}
    with pytest.raises(ConfigError, match=r"http\.logged_out = .*: must be status:NUMBER"):
        load.load(None, given)


def test_rules_of_the_end_of_a_session_need_a_function_that_logs_in() -> None:
    with pytest.raises(ConfigError, match=r"^FETCHER_HTTP__LOGGED_OUT: .* needs http\.login"):
        load.load(None, {"FETCHER_HTTP__LOGGED_OUT": "status:401"})


@pytest.mark.parametrize(
    ("text", "value"),
    [("2.5", 2.5), ("7", 7.0)],
)
def test_seconds_may_be_whole_or_not(text: str, value: float) -> None:
    loaded = load.load(None, {"FETCHER_HTTP__TOTAL_TIMEOUT_S": text})
    assert loaded.settings.http.total_timeout_s == value


def test_a_bare_word_is_a_text_and_true_is_true() -> None:
    overrides: dict[str, tuple[load.Value, str]] = {
        "http.user_agent": ("me and you", "--set"),
        "http.verify_tls": ("false", "--set"),
    }
    http = load.load(None, {}, overrides).settings.http
    assert (http.user_agent, http.verify_tls) == ("me and you", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[worker]\npool_size = 'abc'",
            "worker.pool_size = 'abc': must be a whole number, at least 1, at most 20000",
        ),
        (
            "[worker]\npool_size = 0",
            "worker.pool_size = 0: must be a whole number, at least 1, at most 20000",
        ),
        (
            "[worker]\npool_size = 1.5",
            "worker.pool_size = 1.5: must be a whole number, at least 1, at most 20000",
        ),
        (
            "[worker]\npool_size = true",
            "worker.pool_size = true: must be a whole number, at least 1, at most 20000",
        ),
        (
            "[http]\ntotal_timeout_s = 0",
            "http.total_timeout_s = 0: must be a number, more than 0, at most 86400",
        ),
        ("[http]\nverify_tls = 1", "http.verify_tls = 1: must be true or false"),
        (
            "[log]\nlevel = 'loud'",
            "log.level = 'loud': must be one of debug, info, warning, error",
        ),
        (
            "[endpoints]\nsink = 'nowhere'",
            "endpoints.sink = 'nowhere': must be 1 to 64 of tcp://HOST:PORT or ipc:///PATH",
        ),
        (
            "[endpoints]\nsink = ['tcp://a:1', 'tcp://a:2']",
            "endpoints.sink = ['tcp://a:1', 'tcp://a:2']: tcp://a:2 has a port of another sink;",
        ),
        (
            "[endpoints]\nventilator = 'tcp://a:65534'",
            "endpoints.ventilator = 'tcp://a:65534': its port and those after it must be from 1 to "
            "65535; must be tcp://HOST:PORT or ipc:///PATH, with",
        ),
        (
            "[endpoints]\nsink = ['tcp://a:70000']",
            "endpoints.sink = ['tcp://a:70000']: its port and those after it must be from 1 to "
            "65535; must be 1 to 64 of tcp://HOST:PORT",
        ),
        ("[worker]\npool_size = []", "worker.pool_size = []: must be a whole number, at least 1"),
    ],
)
def test_a_wrong_value_names_file_key_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    assert mistake(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[worker]\npool_sice = 4", "worker.pool_sice (did you mean worker.pool_size?)"),
        ("[http]\ntimeout = 4", "http.timeout (did you mean http.total_timeout_s?)"),
        ("[polite]\ndelay = 4", "polite.delay (did you mean polite.delay_s?)"),
        (
            "[http]\ntimeout_s = 4",
            "http.timeout_s (did you mean http.total_timeout_s or dns.timeout_s?)",
        ),
        ("[job]\npool_size = 4", "job.pool_size (did you mean worker.pool_size?)"),
    ],
)
def test_after_a_guess_at_an_unknown_key_nothing_is_listed(
    tmp_path: Path, text: str, said: str
) -> None:
    assert mistake(tmp_path, text) == f"unknown setting {said}"


def test_without_a_guess_the_keys_of_the_section_are_listed(tmp_path: Path) -> None:
    said = mistake(tmp_path, "[worker]\nbogus = 4")
    assert said.startswith("unknown setting worker.bogus; [worker] has: processes, pool_size, ")


def test_an_unknown_section_is_reported_with_a_guess_or_else_the_sections(tmp_path: Path) -> None:
    said = mistake(tmp_path, "[workers]\npool_size = 4")
    assert said == "unknown section [workers] (did you mean worker?)"
    said = mistake(tmp_path, "[zzz]\npool_size = 4")
    assert said == (
        "unknown section [zzz]; "
        "the sections are job, input, crawl, worker, http, dns, guard, polite, retry, output, "
        "sink, lease, endpoints, keys, engine, log, metrics, monitor"
    )


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pool_size", "worker.pool_size"),
        ("timeout", "http.total_timeout_s"),
        ("http_proxy", "http.proxy"),
        ("host", "metrics.host or monitor.host"),
    ],
)
def test_an_option_without_a_section_is_reported_where_it_belongs(word: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load.load(None, {}, {word: ("5", f"--set {word}")})
    assert str(caught.value) == f"--set {word}: unknown setting {word} (did you mean {meant}?)"


def test_a_setting_outside_of_any_section_is_reported(tmp_path: Path) -> None:
    said = mistake(tmp_path, "pool_size = 4")
    assert said == ("pool_size stands outside of any section (did you mean [worker] pool_size?)")
    assert "(did you mean [metrics] host or [monitor] host?)" in mistake(tmp_path, "host = 'a'")
    assert "(did you mean [worker] pool_size?)" in mistake(tmp_path, "pool_sise = 4")
    assert mistake(tmp_path, "zzz = 4") == "zzz stands outside of any section"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http.headers", ["Accept: */*\n"]),
        ("http.headers", ["Accept: */*\r\nX: y"]),
        ("http.user_agent", "me\n"),
        ("http.proxy", "http://a:1\n"),
        ("http.auth", "a:b\n"),
        ("worker.transport", "curl\n"),
        ("endpoints.ventilator", "tcp://a:1\n"),
        ("metrics.host", "::1\n"),
        ("monitor.names", ["a\n"]),
        ("monitor.token", "x" * 16 + "\n"),
    ],
)
def test_no_text_of_one_line_may_end_one(key: str, value: load.Value) -> None:
    with pytest.raises(ConfigError, match=f"{key} = .*: must be"):
        load.load(None, {}, arguments={key: (value, "x")})


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("http.tls_groups", "X25519,P-256,X25519", "X25519 is named twice"),
        ("dns.servers", "1.1.1.1:70000", "'1.1.1.1:70000' has no valid port"),
        ("dns.servers", "1.1.1.1,name.test", "'name.test' does not appear to be an IPv4 or IPv6"),
        ("guard.allow", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("engine.bind", "tcp://10.0.0.1:65535", "its port and those after it must be from 1 to"),
    ],
)
def test_the_reason_of_a_check_is_said_wherever_the_value_is_from(
    key: str, text: str, reason: str, tmp_path: Path
) -> None:
    section, _, name = key.partition(".")
    value: load.Value = text if key == "engine.bind" else list(text.split(","))
    file = tmp_path / "fetcher.toml"
    file.write_text(f"[{section}]\n{name} = {load.toml(value)}\n")
    for given in (
        {"overrides": {key: (text, "--set")}},
        {"environ": {f"FETCHER_{section}__{name}".upper(): text}},
        {"path": file},
        {"arguments": {key: (value, "python")}},
    ):
        with pytest.raises(ConfigError) as raised:
            load.load(**{"environ": {}, **given})  # type: ignore[arg-type]
        assert f": {reason}" in str(raised.value)
        assert str(raised.value).endswith(f"; must be {describe.allowed(key)}")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("worker.routes", [f"r{n}" for n in range(34)], ", at most 33 of them"),
        ("crawl.allow", ["x"] * 101, "characters, at most 100 of them"),
        ("crawl.deny", ["x" * 1001], "regular expressions of 1 to 1000 characters"),
        ("crawl.drop_params", ["x" * 201], "parameter names of 1 to 200 characters"),
        ("input.url_column", "", "a text, not empty"),
        ("http.user_agent", "", "printable ASCII, not empty"),
    ],
)
def test_bounds_on_lengths_are_said(key: str, value: load.Value, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load.load(None, {}, arguments={key: (value, "x")})
    assert words in str(raised.value).rpartition(": must be ")[2]


def test_a_list_may_be_one_text_with_commas() -> None:
    guard = load.load(None, {"FETCHER_GUARD__ALLOW": "10.0.0.0/8, ::1/128,"}).settings.guard
    assert guard.allow == ("10.0.0.0/8", "::1/128")
    with pytest.raises(ConfigError, match=r"guard\.allow = '10\.0\.0\.0/8, x': 'x' does not"):
        load.load(None, {"FETCHER_GUARD__ALLOW": "10.0.0.0/8, x"})


@pytest.mark.parametrize(
    ("text", "statuses"), [("429", (429,)), ("429, 503,", (429, 503)), ("[500]", (500,))]
)
def test_a_list_of_numbers_may_be_one_text_or_number(text: str, statuses: tuple[int, ...]) -> None:
    loaded = load.load(None, {}, {"retry.statuses": (text, "--set")})
    assert loaded.settings.retry.statuses == statuses
    with pytest.raises(ConfigError, match=r"retry\.statuses = '429,x': must be a list of statuses"):
        load.load(None, {}, {"retry.statuses": ("429,x", "--set")})


def test_invalid_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    said = mistake(tmp_path, "[worker]\npool_size = \n")
    assert said.startswith("not valid TOML: ")
    assert "line 2" in said


def test_files_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load.load(tmp_path / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load.load(tmp_path, {})
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[http]\nuser_agent = '\xe9'\n")
    with pytest.raises(ConfigError, match=r"latin\.toml: not valid UTF-8 \(byte 0xe9 at 21\)"):
        load.load(path, {})


def test_a_file_without_permission_is_reported(tmp_path: Path) -> None:
    path = conf(tmp_path, "")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file (root)")
    with pytest.raises(ConfigError, match="Permission denied"):
        load.load(path, {})


def test_a_byte_order_mark_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf[worker]\r\npool_size = 3\r\n")
    assert load.load(path, {}).settings.worker.pool_size == 3


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    loaded = load.load(conf(tmp_path, ""), {})
    assert (loaded.settings, loaded.origins) == (Settings(), {})


@pytest.mark.parametrize("text", ["worker = 3", "[[worker]]\npool_size = 4"])
def test_a_section_that_is_written_as_a_setting_is_reported(tmp_path: Path, text: str) -> None:
    assert mistake(tmp_path, text) == ("worker is a section: write [worker] above its settings")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "9" * 500, "9" * 5000])
def test_numbers_beyond_reason_are_one_short_line(tmp_path: Path, text: str) -> None:
    said = mistake(tmp_path, f"[http]\ntotal_timeout_s = {text}")
    assert len(said) < 250
    with pytest.raises(ConfigError, match=r"FETCHER_HTTP__TOTAL_TIMEOUT_S: .* must be a number"):
        load.load(None, {"FETCHER_HTTP__TOTAL_TIMEOUT_S": text})


@pytest.mark.parametrize("text", ["abc", "", "'500'", "[1]", "1\n2", "\0", "1.5", "true", "0"])
def test_a_wrong_variable_is_named_with_the_setting_and_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load.load(None, {"FETCHER_WORKER__POOL_SIZE": text})
    said = str(caught.value)
    assert said.startswith("FETCHER_WORKER__POOL_SIZE: worker.pool_size = ")
    assert said.endswith(": must be a whole number, at least 1, at most 20000")
    assert "\n" not in said


def test_a_wrong_option_is_named_with_the_setting_and_what_is_allowed() -> None:
    for value in ("abc", 0, True, 2.0):
        with pytest.raises(ConfigError) as caught:
            load.load(None, {}, {"worker.pool_size": (value, "--pool-size")})
        said = str(caught.value)
        assert said.startswith("--pool-size: worker.pool_size = ")
        assert said.endswith(": must be a whole number, at least 1, at most 20000")


@pytest.mark.parametrize("key", ["", "worker", "wrker.pool_size", "worker.pool_size.x", ".", "a.b"])
def test_an_unknown_option_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set: unknown (setting|section)"):
        load.load(None, {}, {key: (1, "--set")})


def test_the_origin_of_a_wrong_value_is_the_place_that_won(tmp_path: Path) -> None:
    path = conf(tmp_path, "[worker]\npool_size = 'wrong'\n")
    loaded = load.load(path, {"FETCHER_WORKER__POOL_SIZE": "5"})
    assert loaded.settings.worker.pool_size == 5, "what is overridden is not looked at"
    with pytest.raises(ConfigError, match=r"^FETCHER_WORKER__POOL_SIZE: "):
        load.load(path, {"FETCHER_WORKER__POOL_SIZE": "bad"})


def test_what_is_written_as_toml_is_read_as_the_same() -> None:
    for value in (True, False, 3, 2.5, 'a "quoted" text\\', "", "… \U0001f600", "\x7f\x01"):
        assert tomllib.loads(f"x = {load.toml(value)}")["x"] == value


def test_stored_settings_hold_no_secret() -> None:
    http = {"headers": ["Authorization: Bearer x1y2"], "proxy": "http://me:x1y2@proxy.test:3128"}
    settings = msgspec.convert({"http": http}, Settings)
    written = load.without_secrets(settings)
    assert "x1y2" not in str(written)
    assert written["http"]["headers"] == ["Authorization: …"]
    assert written["http"]["proxy"] == "http://…@proxy.test:3128"
    assert written["job"] == load.dump(settings)["job"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http.headers", '["Authorization Bearer x1y2"]'),
        ("http.headers", "Authorization Bearer x1y2"),
        ("http.proxy", "ftp://me:x1y2@proxy.test"),
        ("monitor.token", "x1y2"),
    ],
)
def test_a_secret_that_is_mistyped_is_not_shown(key: str, value: str) -> None:
    variable = f"FETCHER_{key.replace('.', '__').upper()}"
    with pytest.raises(ConfigError) as caught:
        load.load(None, {variable: value})
    assert str(caught.value) == f"{variable}: {key} = …: must be {describe.allowed(key)}"
    assert "x1y2" not in "".join(traceback.format_exception(caught.value))


def test_each_setting_that_is_declared_a_secret_is_hidden_where_settings_are_stored() -> None:
    http = {"headers": ["Authorization: Bearer x1y2"], "proxy": "http://me:x1y2@proxy.test:3128"}
    engine = {"address": "redis://:x1/y2@broker.test/0", "secret": "x1y2" * 4}
    given = {"http": http, "monitor": {"token": "x1y2" * 4}, "engine": engine}
    settings = msgspec.convert(given, Settings)
    written = load.without_secrets(settings)
    plain = load.dump(settings)
    assert {
        f"{section}.{key}"
        for section, values in plain.items()
        for key, value in values.items()
        if written[section][key] != value
    } == describe.secrets().keys()
    assert not re.search("x1|y2", str(written))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("http.headers", '["X-A: caf\udce9"]'),
        ("retry.outcomes", '["\udcff"]'),
        ("monitor.names", "a,b\udcff"),
    ],
)
def test_a_list_that_is_not_all_utf8_is_named(key: str, text: str) -> None:
    variable = f"FETCHER_{key.replace('.', '__').upper()}"
    with pytest.raises(ConfigError, match=rf"^{variable}: {key} is not valid UTF-8$"):
        load.load(None, {variable: text})


def test_subclasses_of_text_and_numbers_are_taken() -> None:
    class Text(str):
        pass

    class Number(float):
        pass

    given = {"user_agent": Text("me"), "headers": (Text("A: b"),), "total_timeout_s": Number(5)}
    arguments = {f"http.{key}": (value, "http") for key, value in given.items()}
    settings = load.load(None, {}, arguments=arguments).settings
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings
    http = settings.http
    assert (http.user_agent, http.headers, http.total_timeout_s) == ("me", ("A: b",), 5.0)
    assert type(http.user_agent) is str


@pytest.mark.parametrize("given", ["4", '"4"'])
def test_a_choice_that_looks_like_a_number_needs_no_quotes(given: str, tmp_path: Path) -> None:
    conf = tmp_path / "conf.toml"
    conf.write_text(f"[http]\nip_version = {given}\n")
    assert load.load(conf, environ={}).settings.http.ip_version == "4"
    by_option = load.load(overrides={"http.ip_version": (given, "--set")}, environ={})
    assert by_option.settings.http.ip_version == "4"
    with pytest.raises(ConfigError, match="5: must be one of any, 4, 6"):
        load.load(overrides={"http.ip_version": ("5", "--set")}, environ={})


def test_a_wrong_pattern_is_shown_with_its_origin_and_its_fault(tmp_path: Path) -> None:
    said = mistake(tmp_path, "[crawl]\ndeny = ['ok', '(']")
    assert said == "crawl.deny: '(' is not a regular expression: missing ): ("


def test_a_pattern_may_have_commas_wherever_it_is_given(tmp_path: Path) -> None:
    pattern = r"/\d{1,3}$"
    path = conf(tmp_path, f"[crawl]\nallow = '{pattern}'")
    for loaded in (
        load.load(path, {}),
        load.load(None, {"FETCHER_CRAWL__ALLOW": pattern}),
        load.load(None, {}, {"crawl.allow": (pattern, "--set crawl.allow")}),
        load.load(None, {}, arguments={"crawl.allow": ([pattern], "crawl")}),
    ):
        assert loaded.settings.crawl.allow == (pattern,)
