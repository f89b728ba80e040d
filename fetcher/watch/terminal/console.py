"""The console that commands show tables and live lines on.

Only our own control sequences reach a terminal. In all shown text (of a line, a server, a file's
name) unprintable characters are escaped, and markup and emoji codes have no effect.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from fetcher.humanize import escaped


class SafeConsole(Console):
    """A console whose text cannot steer a terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as the base class does, and escape the text."""
        return map(_escaped, super().render(renderable, options))


def _escaped(segment: Segment) -> Segment:
    if segment.control or segment.text.isprintable():
        return segment
    return Segment(escaped(segment.text, kept="\n"), segment.style)


def make_console(*, is_error: bool = False) -> Console:
    """A console on standard output, or on standard error."""
    stream = sys.stderr if is_error else sys.stdout
    # The program's own streams let no control sequence through to a terminal (see cli.streams).
    styled = getattr(stream, "styled", None)
    return SafeConsole(file=styled or stream, emoji=False)
