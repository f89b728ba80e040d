"""The program: the group of commands; here errors become exit codes.

A user's mistake is one line on stderr and a documented exit code. A traceback means a bug.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

import click

from fetcher import __version__
from fetcher.cli import streams
from fetcher.engines.paths import require_text
from fetcher.errors import ConfigError, Exit, FetcherError, StoppedError, UsageError
from fetcher.humanize import shell_word
from fetcher.roles import lifetime, rlimits
from fetcher.telemetry import logs


class _Listed(NamedTuple):
    """A command as `fetcher --help` lists it."""

    place: str  # module:function
    short_help: str


_COMMANDS: Final = {
    "run": _Listed("run:run", "Fetch every URL of a file, on this host."),
    "crawl": _Listed("crawl:crawl", "Fetch pages and follow their links, on this host."),
    "get": _Listed("get:get", "Fetch a URL and print its row, or its body."),
    "ventilator": _Listed(
        "roles:ventilator", "Hand out the URLs of a file to workers on any host."
    ),
    "worker": _Listed("roles:worker", "Fetch the URLs that a ventilator hands out, on any host."),
    "sink": _Listed("roles:sink", "Collect result rows from workers on any host."),
    "slot": _Listed("slot:slot", "Run one worker for `fetcher run --engine command`."),
    "keys": _Listed("keys:keys", "Make the keys for roles on separate hosts."),
    "status": _Listed("inspect:status", "Show how far a job is, during and after a run."),
    "top": _Listed("top:top", "Watch a job in the terminal."),
    "verify": _Listed("inspect:verify", "Prove that every URL line has exactly one row."),
    "report": _Listed(
        "report:report", "Report on a run: one HTML file with plots, and a summary here."
    ),
    "export": _Listed(
        "export:export", "Write rows as Parquet, CSV, JSON Lines or SQLite; bodies as files."
    ),
    "links": _Listed("links:links", "Print the links between the pages of a crawl, as JSON lines."),
    "urls": _Listed("urls:urls", "Print the URLs whose rows have some outcome or status."),
    "diff": _Listed("diff:diff", "Show what changed from one run to another."),
    "retry": _Listed("retry:retry", "Fetch retryable failures again, into another OUT."),
    "refresh": _Listed(
        "refresh:refresh", "Fetch a job again into another OUT; in full only what has changed."
    ),
    "config": _Listed(
        "inspect:show_config", "Show the effective settings and where each came from."
    ),
}
_SIMILARITY: Final = 0.8  # of an option that is suggested, from 0 to 1
# Commands that begin a job.
_BEGINNING = ("run", "crawl", "retry", "refresh", "ventilator", "worker", "sink")

EPILOG = """\b
Exit codes:
  0  every line has its row (verify: proven)
  1  an error of fetcher's own; please report it
  2  wrong usage, configuration or input
  3  stopped before the end, or no room on the disk or standard output; the same command resumes
  4  OUT belongs to another job or was begun with other settings, or OUT or an address is in use
  5  the data on disk is damaged, or the disk does not keep it
  6  verify: some line has no row, or more than one
  7  status, top: the ventilator does not answer
  8  get: an outcome is not ok; run, crawl, retry, refresh with --fail-on: there are such rows
  9  worker: no ventilator was heard for worker.patience_s
"""


class _Commands(click.Group):
    """Imports the module of a command when it is needed, as libraries take time to load."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.short_help) for name, each in _COMMANDS.items()])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in _COMMANDS:
            return _imported(name)
        if name.lower().startswith(("http://", "https://")):
            context.fail(f"{name} is not a command; try: fetcher get {shell_word(name)}")
        if Path(name).is_file():
            context.fail(f"{name} is not a command; try: fetcher run {shell_word(name)} -o out")
        # click suggests one of these.
        self.commands = {known: _imported(known) for known in _COMMANDS}
        return None


def _imported(name: str) -> click.Command:
    module, _, function = _COMMANDS[name].place.partition(":")
    command: click.Command = getattr(importlib.import_module(f"fetcher.cli.{module}"), function)
    return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="fetcher")
def cli() -> None:
    """Fetch every URL of a file; every line ends in exactly one durable result row.

    A job has three roles. The ventilator reads the file and hands out its URLs in batches. Workers,
    one process per core, fetch them. The sink writes the rows to OUT. `fetcher run` starts all of
    them on this host; `fetcher ventilator`, `worker` and `sink` start one of them.

    \b
    Examples:
      fetcher run urls.txt -o out          fetch them all, on all cores
      fetcher get https://example.org/     fetch one, and print its row
      fetcher crawl https://example.org/ -o out
                                           fetch a site: follow the links of its pages
      fetcher status out                   how far is it?
      fetcher top out                      … and watch it
      fetcher verify out                   prove that every line has its row
      fetcher export out --to parquet      the rows as a table
      fetcher retry out -o out2            fetch retryable failures again
      fetcher refresh out -o out2          fetch it again, in full only what has changed
    """


def main() -> NoReturn:
    """Run the program and leave with its exit code."""
    logs.use(_log_format(sys.argv[1:], os.environ))
    streams.guard()
    code = _code()
    with contextlib.suppress(StoppedError):  # the error was printed already
        sys.stdout.flush()
    lifetime.leave(code)


def _log_format(arguments: Sequence[str], environ: Mapping[str, str]) -> logs.Form:
    """The log format for errors that come before the settings are loaded."""
    given = re.findall(r"--(?:log-format|set[\0=]log\.format)[\0=](\w+)", "\0".join(arguments))
    last = given[-1] if given else environ.get("FETCHER_LOG__FORMAT")
    return "json" if last == "json" else "text"


def _code() -> int:
    try:
        for name in sys.argv[1:2]:
            if name in _COMMANDS:
                _imported(name)  # while Ctrl-C is blocked by fetcher.__main__
        lifetime.imported()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        require_text(sys.argv[1:])
        rlimits.require_few()
        code = cli.main(prog_name="fetcher", standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        return logs.complain(StoppedError(_interrupted(sys.argv[1:])))
    except click.ClickException as error:
        return _complain_of_usage(error)
    except FetcherError as error:
        return logs.complain(error) if str(error) else error.exit_code
    except Exception as error:
        if rlimits.ran_out(error):
            message = (
                "too many open files; raise the limit (ulimit -n, LimitNOFILE=), and try again"
            )
            return logs.complain(ConfigError(message))
        _report_bug(traceback.format_exc())
        return Exit.BUG
    return code if isinstance(code, int) else Exit.DONE


def _interrupted(arguments: Sequence[str]) -> str:
    """The message for a Ctrl-C that came before the command handles it."""
    name = arguments[0] if arguments else ""
    if name in _BEGINNING:
        return "stopped before the job began; the same command begins it"
    message = "stopped; a running job is not affected"
    return message if name.startswith("-") or not name else f"{name}: {message}"


def _complain_of_usage(error: click.ClickException) -> Exit:
    if isinstance(error, click.NoSuchOption):
        similar = _similar(error.option_name, error.possibilities or ())
        error = click.NoSuchOption(error.option_name, possibilities=similar, ctx=error.ctx)
    if logs.is_json():
        return logs.complain(UsageError(error.format_message()))
    error.show()
    return Exit.USAGE


def _similar(option: str, known: Sequence[str]) -> list[str]:
    """The options that the user may mean; click's own guesses are too far off."""
    import difflib  # noqa: PLC0415 (rarely needed)

    return difflib.get_close_matches(option, known, cutoff=_SIMILARITY)


def _report_bug(trace: str) -> None:
    if not logs.is_json():
        logs.say(trace.rstrip())
    message = "this is a bug; please report it"
    logs.say(logs.own(message, "critical", exception=trace, exit_code=int(Exit.BUG)))
