"""The preloaded library (shim.c): compiled once per run; the environment controls it."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("shim.c")


def build(directory: Path) -> Path:
    """Compile it. Raises RuntimeError if there is no C compiler, or compiling fails."""
    library = directory / "shim.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError("no C compiler (cc) is installed: apt-get install gcc") from error
    if done.returncode:
        raise RuntimeError(f"cc: {done.stderr.strip()[:500]}")
    return library


class Shim:
    """One use of it: in which directory it looks, and where it leaves its mark."""

    def __init__(self, library: Path, directory: Path, watched: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._library = library
        self._watched = watched
        self._mark = directory / "mark"
        self._steps = directory / "steps"
        self._clock = directory / "clock"
        self.step_clock(0)

    def environment(
        self,
        *,
        kill_at: int = 0,
        torn: bool = False,
        fsync_fails_at: int = 0,
        write_fails_at: int = 0,
        short: bool = False,
        only: str = "",
        clock: bool = False,
    ) -> dict[str, str]:
        """For the process that it is to be loaded into; 0: never.

        `only`: the writes of files with this in their path are those that fail or are short.
        """
        variables = {
            "LD_PRELOAD": str(self._library),
            "SHIM_DIR": str(self._watched),
            "SHIM_MARK": str(self._mark),
            "SHIM_STEPS": str(self._steps),
            "SHIM_KILL_AT": str(kill_at),
            "SHIM_TORN": str(int(torn)),
            "SHIM_FSYNC_FAILS_AT": str(fsync_fails_at),
            "SHIM_WRITE_FAILS_AT": str(write_fails_at),
            "SHIM_SHORT": str(int(short)),
            "SHIM_ONLY": only,
        }
        return variables | ({"SHIM_CLOCK": str(self._clock)} if clock else {})

    @property
    def has_struck(self) -> bool:
        """Whether its fault has happened."""
        return self._mark.exists()

    @property
    def steps(self) -> int:
        """Writes, truncations, syncs and renames so far, of all processes together."""
        return self._steps.stat().st_size if self._steps.exists() else 0

    def step_clock(self, seconds: int) -> None:
        """Move the wall clock of all who have it loaded."""
        mode = "r+b" if self._clock.exists() else "wb"
        with self._clock.open(mode) as file:
            file.write(struct.pack("<q", seconds))
