"""The earlier job of a refresh, as a worker reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.errors import DamageError
from fetcher.model import Result, Task
from fetcher.protocol.output_spec import Bodies
from fetcher.roles.worker.lines import Line

if TYPE_CHECKING:
    from fetcher.store.parent_pages import ParentPage, ParentPages

log = logging.getLogger(__name__)


class Parent:
    """The pages of the earlier job; there are none if the worker is not of a refresh."""

    def __init__(self, folder: str) -> None:
        """`folder`: see store.parent_files; "": the job is not a refresh."""
        self._folder = folder
        self._pages: ParentPages | None = None

    def previous_of(self, bodies: Bodies) -> Callable[[Task], ParentPage | None] | None:
        """See fetch.interface.Refreshes. `bodies`: how the refresh keeps them."""
        if self._folder and self._pages is None:
            self._pages = _opened(self._folder, bodies)
            if self._pages is None:
                self._folder = ""
        return None if self._pages is None else self._pages.of

    def compared(self, line: Line, result: Result) -> tuple[ParentPage | None, Result]:
        """The page that the answer has confirmed, if any; the result, compared with another one."""
        if self._pages is None:
            return None, result
        confirmed: ParentPage | None = getattr(line.fetch, "confirmed", None)
        if confirmed is not None:
            return confirmed, result
        if result.sha256 is None:
            return None, result
        # The fetch has read it; to read it again would cost as much as to build the row.
        page: ParentPage | None = getattr(line.fetch, "previous", None)
        return None, result if page is None else page.compared(result)


def _opened(folder: str, bodies: Bodies) -> ParentPages | None:
    # Only refreshes need it.
    from fetcher.store.parent_pages import ParentPages  # noqa: PLC0415

    try:
        return ParentPages(Path(folder), bodies)
    except DamageError as error:
        log.warning("all lines are fetched in full, as the earlier job cannot be read: %s", error)
        return None
