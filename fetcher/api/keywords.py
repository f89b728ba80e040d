"""Names arguments of the API in messages that name options of the command.

The same checks serve commands and programs, and their messages say what to do. A command in
backquotes stays as it is: it is to be typed in a shell.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from fetcher.errors import FetcherError

# What a message for the command says -> what a program's user writes.
_ARGUMENTS: Final = {
    "use --own-servers (of run, crawl, retry and worker), or set guard.allow": (
        'allow them with guard={"allow": ["127.0.0.0/8"]}, or with their own networks'
    ),
    "--column (input.url_column)": 'input={"url_column": …}',
    "--columns": "columns",
    "--outcome": "outcomes",
    "--status": "statuses",
    "--urls": "urls",
    "--partial": "partial=True",
    "-o": "out",
}
_OPTION: Final = re.compile(rf"`[^`]*`|(?<!\S)(?:{'|'.join(map(re.escape, _ARGUMENTS))})(?![\w-])")


def in_python(message: str) -> str:
    """The message with the names of arguments in place of options."""
    return _OPTION.sub(lambda found: _ARGUMENTS.get(found[0], found[0]), message)


@contextlib.contextmanager
def named_arguments() -> Iterator[None]:
    """Raise errors of the block with messages for programs."""
    try:
        yield
    except FetcherError as error:
        message = in_python(str(error))
        if message == str(error):
            raise
        raise type(error)(message) from error
