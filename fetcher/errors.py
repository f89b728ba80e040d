"""The errors of fetcher, by cause; each class has the exit code of the commands.

Whatever a user can cause is a FetcherError with one clear line, never a traceback. Any other
exception that reaches the top is a bug: exit code 1.
"""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """The documented exit codes of every command."""

    DONE = 0  # every line has its row
    BUG = 1  # an error of fetcher's own
    USAGE = 2  # wrong usage, configuration or input
    STOPPED = 3  # before the end, or no room on disk or stdout; the same command resumes
    CONFLICT = 4  # OUT belongs to another job, was begun with other settings, or is in use
    DAMAGED = 5  # the data on disk is damaged, or the disk does not keep what is written
    UNPROVEN = 6  # `verify`: some line has no row, or more than one
    UNREACHED = 7  # `status`, `top`: the ventilator does not answer
    FAILED_ROWS = 8  # `get`: an outcome is not ok; `--fail-on`: rows have one of the outcomes
    UNHEARD = 9  # `worker`: no ventilator was heard for worker.patience_s


class FetcherError(Exception):
    """Base of all errors that users read; `str()` is one line that says what to do."""

    exit_code = Exit.BUG
    advice = ""  # what to do, where that does not depend on where the error came from


class UsageError(FetcherError):
    """Wrong usage, configuration or input file."""

    exit_code = Exit.USAGE


class ConfigError(UsageError):
    """A setting is unknown, of the wrong type or out of range."""


class InputError(UsageError):
    """The URL file cannot be read, or is not a list of URLs."""


class LoginError(UsageError):
    """The first log-in of a job (http.login) failed, so nothing was fetched."""


class LoginLostError(FetcherError):
    """A new log-in in the middle of a job failed; the same command resumes the job."""

    exit_code = Exit.STOPPED


class StoppedError(FetcherError):
    """The job stopped before its end; the same command resumes it."""

    exit_code = Exit.STOPPED


class ConflictError(FetcherError):
    """OUT belongs to another job, is in use, or is not an output directory."""

    exit_code = Exit.CONFLICT


class DamageError(FetcherError):
    """The files differ from what was committed, or the disk failed to keep it."""

    exit_code = Exit.DAMAGED


class NoSpaceError(FetcherError):
    """The disk is full; nothing was committed, and the same commit may be tried again."""

    exit_code = Exit.STOPPED
    advice = "make room, and run it again"


class UnreachedError(FetcherError):
    """A running role did not answer a question in time."""

    exit_code = Exit.UNREACHED


class UnheardError(FetcherError):
    """Workers did not hear a ventilator for worker.patience_s, and left."""

    exit_code = Exit.UNHEARD


class FailedRowsError(FetcherError):
    """The job is complete, and some rows have an outcome that the user does not accept."""

    exit_code = Exit.FAILED_ROWS


class WireError(FetcherError):
    """A message is malformed, too large or unknown; the receiver drops and counts it."""
