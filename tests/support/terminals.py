"""Runs a program on a terminal and records the bytes that it writes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Sequence
from pathlib import Path

from support import jobs

_SIZE = struct.pack("HHHH", 50, 200, 0, 0)  # lines, columns


def on_terminal(
    arguments: Sequence[object], cwd: Path = jobs.ROOT, **environ: str
) -> tuple[int, bytes]:
    """Run the program with its output and its errors on one; its exit code, and all it wrote."""
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # of Linux, where the other end is closed
            while piece := os.read(ours, 1 << 16):
                written.append(piece)

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        done = subprocess.run(
            jobs.command(*arguments),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env={**jobs.ENV, "TERM": "xterm", **environ},
            timeout=60,
        )
    finally:
        os.close(theirs)
        reader.join(60)
        os.close(ours)
    return done.returncode, b"".join(written)
