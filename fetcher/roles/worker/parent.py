"""The job before a refresh, as a worker reads it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from fetcher.errors import DamageError
from fetcher.model import Result
from fetcher.protocol.output_spec import Bodies
from fetcher.roles.worker.lines import Line

if TYPE_CHECKING:
    from fetcher.store.parent_pages import ParentPage, ParentPages

log = logging.getLogger(__name__)


class Parent:
    """The pages of the last refresh that this worker had lines of."""

    def __init__(self) -> None:
        self._folder = ""
        self._pages: ParentPages | None = None

    def pages(self, folder: str | UnsetType, bodies: Bodies) -> ParentPages | None:
        """The pages in this folder; None if it is no refresh, or they are not on this host."""
        if folder is UNSET:
            return None
        if folder != self._folder:
            self._folder = folder
            if self._pages is not None:
                self._pages.close()
            self._pages = _opened(folder, bodies)
        return self._pages

    def compared(self, line: Line, result: Result) -> tuple[ParentPage | None, Result]:
        """The page that the answer has confirmed, if any; the result, compared with another one."""
        if self._pages is None:
            return None, result
        confirmed: ParentPage | None = getattr(line.fetch, "confirmed", None)
        if confirmed is not None:
            return confirmed, result
        if result.sha256 is None:
            return None, result
        page = self._pages.of(line.task)
        return None, result if page is None else page.compared(result)


def _opened(folder: str, bodies: Bodies) -> ParentPages | None:
    # Only refreshes need it.
    from fetcher.store.parent_pages import ParentPages  # noqa: PLC0415

    try:
        return ParentPages(Path(folder), bodies)
    except DamageError as error:
        log.warning("all lines are fetched in full, as the job before cannot be read: %s", error)
        return None
