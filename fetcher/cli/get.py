"""`fetcher get`: fetches a few URLs without a job."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import BinaryIO, Final

import click

from fetcher.cli.inputs import is_there, require_url
from fetcher.cli.options import (
    FILE,
    GroupedCommand,
    config_options,
    own_servers_option,
    require_no_crawl_options,
    setting_options,
    settings_of,
)
from fetcher.errors import ConfigError, Exit, StoppedError, UsageError
from fetcher.humanize import size
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies
from fetcher.roles.direct import Answer, Order, answers
from fetcher.rows import jsonl
from fetcher.rows.inline import inline
from fetcher.settings.load import Loaded
from fetcher.store.disk import disk_errors
from fetcher.telemetry import logs

_STDOUT: Final = Path("-")


@click.command(cls=GroupedCommand)
@click.argument("given", nargs=-1, required=True, metavar="URL...")
@click.option("--body", "with_body", is_flag=True, help="Print the body, and not the row.")
@click.option(
    "-o",
    "--file",
    "path",
    type=FILE,
    default=_STDOUT,
    metavar="FILE",
    help="Write to this file instead of standard output.",
)
@setting_options("get")
@config_options
@own_servers_option
def get(
    given: tuple[str, ...],
    with_body: bool,
    path: Path,
    conf: Path | None,
    assignments: tuple[str, ...],
    own_servers: bool,
) -> int:
    """Fetch each URL and print its row, as `fetcher run` would write it, in the order given.

    A row is a line of JSON; on a terminal it is spread over several lines. With --body, only the
    decoded body is printed, also that of an error page. All settings apply, including politeness
    and retries. No files are left on the disk.

    Exits with 0 if all outcomes are ok, and with 8 if one is not.

    \b
    Examples:
      fetcher get https://example.org/
      fetcher get https://example.org/ --body > page.html
      fetcher get https://example.org/ --timeout 5 --header 'Accept: text/html' | jq .status
    """
    loaded = settings_of(conf, assignments, own_servers=own_servers)
    require_no_crawl_options(loaded, "use `fetcher crawl`")
    logs.start(loaded.settings.log, "cli", "get")
    _require_urls(given, loaded.settings.http.max_url_bytes)
    order = Order(
        loaded.settings,
        list(given),
        bodies="none" if with_body else _bodies(loaded),
        wants_bodies=with_body,
    )
    try:
        are_ok = _print(order, path)
    except KeyboardInterrupt:
        raise StoppedError("get: stopped before all was fetched") from None
    return Exit.DONE if are_ok else Exit.FAILED_ROWS


def _print(order: Order, path: Path) -> bool:
    """Print each answer when it comes; returns whether all outcomes are ok."""
    are_ok = True
    with contextlib.closing(_Output(path)) as output, contextlib.closing(answers(order)) as found:
        for answer in found:
            result = jsonl.decode(answer.row)
            if order.wants_bodies:
                output.put_body(result, answer)
            else:
                output.put_row(answer.row)
            _explain(result, with_body=order.wants_bodies)
            are_ok &= result.outcome is Outcome.OK
    return are_ok


def _require_urls(given: tuple[str, ...], max_bytes: int) -> None:
    for text in given:
        path = Path(text)
        if "://" not in text and is_there(path) and not path.is_dir():
            raise UsageError(
                f"{text} is a file; fetch the URLs in it with: fetcher run {text} -o OUT"
            )
        require_url(text, max_bytes)


def _bodies(loaded: Loaded) -> Bodies:
    bodies = loaded.settings.output.bodies
    if bodies in ("files", "warc"):
        if loaded.origins["output.bodies"] == "--bodies":
            raise ConfigError(
                f"--bodies: {bodies} is for jobs, as `fetcher get` leaves no files; use inline, "
                "--body or `fetcher run`"
            )
        return "none"
    return bodies


def _explain(result: Result, *, with_body: bool) -> None:
    """Log hints, and the error of a row that is not printed."""
    if with_body and result.outcome is not Outcome.OK:
        logs.say(logs.own(f"{result.url}: {result.outcome}: {result.error}"))
    elif with_body and result.error:
        logs.say(logs.own(f"{result.url}: {result.error}"))
    if "guard.allow" in (result.error or ""):
        logs.say(logs.own("for servers of your own, add --own-servers", "info"))
    if result.outcome is Outcome.ROBOTS:
        logs.say(logs.own("--no-robots fetches it anyway", "info"))


class _Output:
    """Standard output, or a file that is made when the first bytes are written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = sys.stdout.buffer if path == _STDOUT else None
        self._is_terminal = path == _STDOUT and sys.stdout.isatty()

    def put_row(self, row: bytes) -> None:
        if self._is_terminal:
            click.echo(pretty(row))
        else:
            self._write(row)

    def put_body(self, result: Result, answer: Answer) -> None:
        body = answer.body or b""
        if not self._is_terminal:
            if answer.body is not None:
                self._write(body)
            return
        text, kind = inline(body, result.content_type)
        if kind == "base64" or "\0" in text:
            raise UsageError(
                f"{result.url}: the body is not text ({result.content_type or 'of no type'}, "
                f"{size(len(body))}); add -o FILE, or redirect standard output"
            )
        click.echo(text, nl=False)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            try:
                self._file = self._path.open("wb")
            except OSError as error:
                raise UsageError(
                    f"-o {self._path}: {error.strerror}; name a file that can be written"
                ) from error
        with disk_errors(self._path) if self._path != _STDOUT else contextlib.nullcontext():
            self._file.write(data)
            self._file.flush()

    def close(self) -> None:
        if self._file is not None and self._path != _STDOUT:
            with disk_errors(self._path):
                self._file.close()


def pretty(row: bytes) -> str:
    """A row for people: one line for each key and each header."""
    lines = []
    for key, value in json.loads(row).items():
        text = _text(value)
        if key == "headers" and value:
            text = "[\n" + ",\n".join(f"    {_text(pair)}" for pair in value) + "\n  ]"
        lines.append(f"  {_text(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
