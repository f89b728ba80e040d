"""The job whose lines are fetched again, conditionally, by `fetcher refresh`.

It is part of the new job's definition: recorded in the manifest, and never changed.
"""

from __future__ import annotations

import msgspec

from fetcher.input.selection import Text


class Refresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The earlier job."""

    parent: Text  # its OUT (or OUTs, quoted for a shell)
    parent_job: Text
