"""OUT/tags.key: the secret key for the tags of a job's lines (protocol.line_tags).

Only its owner may read it. It needs no backup: if it is lost, a new key is made, and the lines in
flight are fetched again.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from fetcher.protocol.line_tags import KEY_BYTES
from fetcher.store.disk import disk_errors, write_atomically

SECRET_NAME: Final = "tags.key"
_OWNERS_ONLY: Final = 0o600


def secret_of(out: Path) -> bytes:
    """The key of this OUT; made if it is missing or readable by others."""
    path = out / SECRET_NAME
    with disk_errors(path):
        if path.is_file() and not path.stat().st_mode & 0o077:
            found = path.read_bytes()
            if len(found) == KEY_BYTES:
                return found
        path.unlink(missing_ok=True)
    made = secrets.token_bytes(KEY_BYTES)
    before = os.umask(0o777 & ~_OWNERS_ONLY)
    try:
        write_atomically(path, made)
    finally:
        os.umask(before)
    return made
