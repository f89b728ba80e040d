"""One declaration per setting: its default, its check, its help.

Law: a setting is declared here and nowhere else; file < environment < command line, and each value
remembers where it came from. What is wrong with a value is one line that names its place.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from fetcher.errors import ConfigError

ENV_PREFIX: Final = "FETCHER_"
Value = str | int | float | bool | None
MIB: Final = 1024 * 1024
_SHOWN_CHARS: Final = 80  # of a wrong value

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Endpoint = Annotated[
    str,
    Field(
        pattern=r"^(tcp://([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|ipc:///\S+)$",
        json_schema_extra={"kind": "tcp://HOST:PORT or ipc:///PATH"},
    ),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Job(_Section):
    """What is handed out."""

    batch_size: int = Field(
        200, ge=1, le=10_000, description="physical lines of the URL file in one batch"
    )


class Worker(_Section):
    """The processes that fetch."""

    processes: int = Field(0, ge=0, le=1024, description="worker processes; 0: one per core")
    pool_size: int = Field(
        256, ge=1, le=20_000, description="fetches in flight at once in one worker process"
    )
    chunk_rows: int = Field(
        256, ge=1, le=10_000, description="rows of one batch that go to the sink in one message"
    )
    chunk_interval_s: Seconds = Field(
        0.05, description="a finished row waits at most this long for company"
    )
    heartbeat_s: Seconds = Field(1.0, description="a worker says that it lives, this often")
    grace_s: float = Field(
        10.0, ge=0, le=3600, description="at a stop: how long requests in flight may still finish"
    )
    watchdog_s: Seconds = Field(
        30.0, description="a worker whose event loop has stood still for so long is ended"
    )
    transport: str = Field(
        "requests",
        pattern=r"^(requests|null|[\w.]+:\w+)$",
        json_schema_extra={"kind": "requests, null or module:factory"},
        description="what fetches: requests, null (fetches nothing: for measuring the pipeline), "
        'or your own "module:factory" (see fetcher.net.fetch)',
    )


class Http(_Section):
    """One fetch, and its limits."""

    connect_timeout_s: Seconds = Field(10.0, description="to connect, TLS included, per address")
    read_timeout_s: Seconds = Field(20.0, description="longest silence of a server")
    total_timeout_s: Seconds = Field(
        60.0, description="hard limit on one URL, redirects and all, from start to last byte"
    )
    max_body_bytes: int = Field(
        10 * MIB, ge=0, description="largest body, both as received and decoded"
    )
    max_redirects: int = Field(10, ge=0, le=100, description="redirects followed for one URL")
    max_url_bytes: int = Field(8192, ge=16, le=32_768, description="longest URL, in UTF-8 bytes")
    user_agent: str = Field(
        "fetcher/0.1 (bulk URL fetcher)",
        min_length=1,
        pattern=r"^[\x20-\x7e]+$",
        json_schema_extra={"kind": "a text of printable ASCII"},
        description="sent with each request; say here who you are and how to reach you",
    )
    verify_tls: bool = Field(True, description="check servers' certificates")


class Sink(_Section):
    """Where rows become durable."""

    commit_interval_s: Seconds = Field(
        0.1, description="rows are committed (fsync, journal) at least this often"
    )
    commit_bytes: int = Field(8 * MIB, ge=1, description="… or when so many bytes are waiting")
    segment_bytes: int = Field(
        1024 * MIB, ge=1, description="a results file this large is followed by a new one"
    )


class Lease(_Section):
    """When lines are handed out again."""

    silent_s: Seconds = Field(5.0, description="a worker unheard of for so long counts as dead")
    sink_silent_s: Seconds = Field(
        3.0, description="a sink unheard of for so long freezes handing out and leases"
    )
    unclaimed_s: Seconds = Field(
        90.0, description="a batch that no worker took in this time is sent again"
    )
    finished_s: Seconds = Field(
        10.0, description="rows not committed so long after they were sent are fetched again"
    )
    stall_s: Seconds = Field(
        150.0, description="a worker must finish some line of each batch it holds in this time"
    )
    tail_after_s: Seconds = Field(
        20.0, description="at the end: lines out for so long are also given to another worker"
    )
    poison_deaths: int = Field(
        3, ge=1, le=100, description="workers that a line alone must end to be given up as crashed"
    )
    ahead: int = Field(2, ge=1, le=100, description="batches per worker sent ahead of demand")


class Endpoints(_Section):
    """Where the roles meet when they run on separate hosts (`fetcher run` uses private sockets)."""

    ventilator: Endpoint = Field(
        "tcp://127.0.0.1:5700",
        description="tasks; events and control are on the next two ports",
    )
    sink: Endpoint = Field(
        "tcp://127.0.0.1:5710", description="results; commits are on the next port"
    )


class Log(_Section):
    """What is told on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="least important kind of log line that is shown"
    )
    progress_interval_s: Seconds = Field(
        10.0, description="seconds between progress lines when stderr is no terminal"
    )


class Settings(_Section):
    """All settings, by section."""

    job: Job = Job()
    worker: Worker = Worker()
    http: Http = Http()
    sink: Sink = Sink()
    lease: Lease = Lease()
    endpoints: Endpoints = Endpoints()
    log: Log = Log()


class Loaded(BaseModel):
    """Settings, and for each `section.key` that is not at its default, where it came from."""

    settings: Settings
    origins: dict[str, str]


def sections() -> Iterator[tuple[str, type[_Section]]]:
    """The sections' names and declarations, in order."""
    for name, field in Settings.model_fields.items():
        yield name, cast(type[_Section], field.annotation)


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, tuple[Value, str]] | None = None,
) -> Loaded:
    """Merge file < environment < command line and check everything. Raises ConfigError.

    `overrides` maps `section.key` to a value (a str is parsed as TOML would) and the option that
    gave it.
    """
    values: dict[str, tuple[Any, str]] = {}
    if path is not None:
        values.update(_from_file(path))
    values.update(_from_environment(environ))
    for key, (value, origin) in (overrides or {}).items():
        _check_key(key, origin)
        values[key] = (_parse(value) if isinstance(value, str) else value, origin)
    return _checked(values)


def _from_file(path: Path) -> Iterator[tuple[str, tuple[Any, str]]]:
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable TOML file") from error
    except UnicodeDecodeError as error:
        where = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise ConfigError(f"{path}: not valid UTF-8 ({where}); save it as UTF-8") from error
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for section, content in data.items():
        if not isinstance(content, dict):
            if section in Settings.model_fields:
                raise ConfigError(
                    f"{path}: {section} is a section: write [{section}] above its settings"
                )
            raise ConfigError(f"{path}: {section} stands outside of any section{_near(section)}")
        _check_section(section, str(path))
        for key, value in content.items():
            _check_key(f"{section}.{key}", str(path))
            yield f"{section}.{key}", (value, str(path))


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[Any, str]]]:
    for name, text in environ.items():
        if name.startswith(ENV_PREFIX) and "__" in name:
            key = name.removeprefix(ENV_PREFIX).lower().replace("__", ".", 1)
            _check_key(key, name)
            yield key, (_parse(text), name)


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text  # a bare word is a string


def _keys() -> list[str]:
    return [f"{name}.{key}" for name, section in sections() for key in section.model_fields]


def _check_section(section: str, origin: str) -> None:
    if section not in Settings.model_fields:
        allowed = ", ".join(Settings.model_fields)
        near = _guess(section, Settings.model_fields)
        raise ConfigError(
            f"{origin}: unknown section [{section}]{near}; the sections are {allowed}"
        )


def _check_key(key: str, origin: str) -> None:
    if key in _keys():
        return
    section = key.partition(".")[0]
    _check_section(section, origin)
    allowed = ", ".join(name.split(".")[1] for name in _keys() if name.startswith(f"{section}."))
    raise ConfigError(f"{origin}: unknown setting {key}{_near(key)}; [{section}] has: {allowed}")


def _near(key: str) -> str:
    plain = [name.split(".")[1] for name in _keys()] if "." not in key else _keys()
    return _guess(key, plain)


def _guess(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(value: Any) -> str:
    text = toml(value) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _checked(values: Mapping[str, tuple[Any, str]]) -> Loaded:
    nested: dict[str, dict[str, Any]] = {}
    for key, (value, _) in values.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    try:
        settings = Settings.model_validate(nested)
    except pydantic.ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"][:2])
        value, origin = values[key]
        raise ConfigError(f"{origin}: {key} = {_shown(value)}: must be {allowed(key)}") from error
    return Loaded(settings=settings, origins={key: origin for key, (_, origin) in values.items()})


def allowed(key: str) -> str:
    """What a setting may be, for people."""
    section, _, name = key.partition(".")
    schema = dict(sections())[section].model_json_schema()["properties"][name]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    said = [schema.get("kind") or kinds.get(schema["type"], "a text")]
    for bound, word in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
    ):
        if bound in schema:
            said.append(f"{word} {schema[bound]:.15g}")
    return ", ".join(said)


def dump(settings: Settings) -> dict[str, dict[str, Value]]:
    """All settings as plain data, by section and key."""
    return settings.model_dump()


def toml(value: Value) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else str(value)


def example() -> str:
    """The fully commented file of all settings at their defaults: conf/fetcher.toml."""
    lines = [
        "# Every setting of fetcher at its default. Copy it, keep what you change, pass it by -c.",
        "# The environment (FETCHER_WORKER__POOL_SIZE=500) and the command line",
        "# (--set worker.pool_size=500) come after this file.",
    ]
    for name, section in sections():
        lines += ["", "", f"# {section.__doc__}", f"[{name}]"]
        for key, field in section.model_fields.items():
            text = f"{field.description} ({allowed(f'{name}.{key}')})"
            lines += ["", *textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"{key} = {toml(field.default)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(example())
