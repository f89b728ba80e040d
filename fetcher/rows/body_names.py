"""Names the files of bodies below OUT, and reads such names from rows.

A name follows from the row: the sha256 of the bytes, and an extension by content type and URL. So a
body has one file for each extension that its answers had, and a line that is fetched again after a
crash gets the same file. The digest alone identifies the contents.

    typed    bodies/ab/cd/abcd….jpg   below OUT
    sha256   ab/cd/abcd…              below OUT/bodies: jobs that older versions began
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fetcher.protocol.output_spec import BodyNames
from fetcher.rows.media_types import extension_of

BODIES_NAME: Final = "bodies"
_NAME: Final = re.compile(
    rf"(?P<typed>{BODIES_NAME}/)?(?P<a>[0-9a-f]{{2}})/(?P<b>[0-9a-f]{{2}})/"
    r"(?P<digest>(?P=a)(?P=b)[0-9a-f]{60})(?(typed)\.[a-z0-9]{1,12})"
)


class BodyFile(NamedTuple):
    """A parsed `body_file` of a row."""

    path: str  # below OUT
    digest: str
    names: BodyNames


def body_file(names: BodyNames, digest: str, content_type: str | None, url: str | None) -> str:
    """Make the `body_file` for a body with this sha256."""
    # Two levels of directories, so that none gets too many entries.
    path = f"{digest[:2]}/{digest[2:4]}/{digest}"
    if names == "sha256":
        return path
    return f"{BODIES_NAME}/{path}{extension_of(content_type, url)}"


def parsed(name: str) -> BodyFile | None:
    """Parse a `body_file`; None if the text is not the name of a body's file."""
    # Any extension of the right form: another version of fetcher may know more of them.
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if found["typed"]:
        return BodyFile(name, found["digest"], "typed")
    return BodyFile(f"{BODIES_NAME}/{name}", found["digest"], "sha256")
