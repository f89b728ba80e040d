"""A role's folder of CURVE keys, and the list of peers that it lets in.

    ROLE.key_secret     its own key; the file's name is the peer's name      mode 0600
    SERVER.key          public key of each server that it connects to
    allowed/NAME.key    ventilator and sink: the peers that may connect; deleting one revokes it

Law: the files are the truth, also while a role runs; what is wrong with one is one clear line.
"""

from __future__ import annotations

import logging
import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zmq
from zmq.auth import load_certificate
from zmq.utils import z85

from fetcher.errors import UsageError

log = logging.getLogger(__name__)

VENTILATOR: Final = "ventilator"
SINK: Final = "sink"
WORKER: Final = "worker"
PUBLIC: Final = ".key"
SECRET: Final = ".key_secret"
ALLOWED: Final = "allowed"
# Which role binds each way's socket.
SERVER_OF: Final = {
    "tasks": VENTILATOR,
    "events": VENTILATOR,
    "control": VENTILATOR,
    "results": SINK,
    "commits": SINK,
}
_CONNECTS_TO: Final = {VENTILATOR: (SINK,), SINK: (), WORKER: (VENTILATOR, SINK)}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORKER: Final = re.compile(r"(.+)-\d+-\d+(?:\.\d+)?")


def check_name(name: str) -> str:
    """The name, if a worker's key may have it. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a key: begin with a letter or digit, go on with these and "
            "with . _ -, and use 64 characters at most"
        )
    if name in (VENTILATOR, SINK):
        raise UsageError(f"{name!r} is a role's own name; name a worker's key after its host")
    return name


def worker_name(key: str, pid: int, number: int) -> str:
    """A worker process's name under a key; a process that replaces it adds .2 and so on."""
    return f"{key}-{pid}-{number}"


def belongs(worker: str, key: str) -> bool:
    """Whether a message that names this worker may come under the key of this name."""
    if key in (VENTILATOR, SINK):
        return worker == key
    match = _WORKER.fullmatch(worker)
    return match is not None and match[1] == key


@dataclass(frozen=True)
class Keyring:
    """What a role's folder holds; keys are in Z85."""

    folder: Path
    name: str
    public: bytes
    secret: bytes = field(repr=False)
    servers: dict[str, bytes]  # role -> its public key


def load(folder: Path, role: str) -> Keyring:
    """The keys of a role (`ventilator`, `sink` or `worker`). Raises UsageError."""
    if not folder.is_dir():
        hint = _meant(folder) or "`fetcher keys init` makes it"
        raise UsageError(f"keys.dir = {folder}: no such directory; {hint}")
    path = _own(folder, role)
    public, secret = _pair(path)
    return Keyring(
        folder=folder,
        name=path.name.removesuffix(SECRET),
        public=public,
        secret=secret,
        servers={name: _public(folder / f"{name}{PUBLIC}") for name in _CONNECTS_TO[role]},
    )


def _meant(folder: Path) -> str:
    """A role's folder of this name in a set of keys nearby, as a question; "" if there is none."""
    places = (f"*/{folder.name}", f"*/workers/{folder.name}") if folder.name else ()
    for place in places:
        for found in sorted(folder.parent.glob(place)):
            if any(found.glob(f"*{SECRET}")):
                return f"did you mean {found}?"
    return ""


def _own(folder: Path, role: str) -> Path:
    found = sorted(path for path in folder.iterdir() if path.name.endswith(SECRET))
    servers = [folder / f"{name}{SECRET}" for name in (VENTILATOR, SINK)]
    wanted = [path for path in found if path not in servers]
    if role != WORKER:
        wanted = [path for path in found if path.name == f"{role}{SECRET}"]
    if len(wanted) == 1:
        return wanted[0]
    inside = folder / ("workers" if role == WORKER else role)
    hint = f"; name the folder made for this role in {inside}" if inside.is_dir() else ""
    what = f"{role}{SECRET}" if role != WORKER else f"one *{SECRET} of a worker"
    raise UsageError(f"keys.dir = {folder}: must hold {what}, and has {len(wanted)}{hint}")


def _pair(path: Path) -> tuple[bytes, bytes]:
    public, secret = _read(path)
    mode = path.stat().st_mode & 0o777
    if mode & ~0o600:
        raise UsageError(f"{path}: mode {mode:04o} lets others read it; run chmod 600 on it")
    try:
        fits = secret is not None and zmq.curve_public(secret) == public
    except (zmq.ZMQError, ValueError):
        fits = False
    if secret is None or not fits:
        raise UsageError(f"{path}: damaged: its secret key does not fit its public key")
    return public, secret


def _public(path: Path) -> bytes:
    return _read(path)[0]


def _read(path: Path) -> tuple[bytes, bytes | None]:
    """The keys of a certificate file, of the right form. Raises UsageError."""
    try:
        public, secret = load_certificate(path)
    except ValueError as error:
        raise UsageError(f"{path}: damaged: holds no public key") from error
    except OSError as error:
        why = error.strerror or "no such file"
        raise UsageError(f"{path}: {why}; copy the role's whole folder") from error
    try:
        fits = len(z85.decode(public)) == 32
    except (KeyError, ValueError, struct.error):
        fits = False
    if not fits:
        raise UsageError(f"{path}: damaged: its public key has not the form of one")
    return public, secret


class AllowList:
    """The peers of a folder's `allowed`, as its files are.

    `names` may be read by any thread: it is replaced, never changed.
    """

    def __init__(self, folder: Path) -> None:
        """Raises UsageError where a file, or the directory, is not what it should be."""
        self.path = folder / ALLOWED
        self.names: dict[str, str] = {}  # public key -> peer's name
        self._files: dict[str, tuple[tuple[int, ...], str]] = {}  # name -> signature, key or ""
        if not self.path.is_dir():
            raise UsageError(f"{self.path}: no such directory; copy the role's whole folder")
        mode = self.path.stat().st_mode & 0o777
        if mode & 0o022:
            raise UsageError(
                f"{self.path}: mode {mode:04o} lets others add keys; run chmod 700 on it"
            )
        for path in self.path.glob(f"*{PUBLIC}"):
            _public(path)
        self.refresh()
        if len(self.names) < len(self._files):
            raise UsageError(f"{self.path}: holds the same key under two names")

    def refresh(self) -> None:
        """Look at the files."""
        files: dict[str, tuple[tuple[int, ...], str]] = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(PUBLIC):
                        name = entry.name.removesuffix(PUBLIC)
                        files[name] = self._look(name)
        except FileNotFoundError:
            files = {}  # nobody is allowed
        except OSError as error:
            log.error("%s: %s: the list of peers stays as it was", self.path, error.strerror)
            return
        self._files = files
        self.names = {key: name for name, (_, key) in sorted(files.items()) if key}

    def _look(self, name: str) -> tuple[tuple[int, ...], str]:
        path = self.path / f"{name}{PUBLIC}"
        signature = _signature(path)
        known = self._files.get(name)
        told = known is not None and known[0] == signature
        if known is not None and told and known[1]:
            return known
        try:
            return signature, _public(path).decode("ascii")
        except UsageError as error:
            if signature and not told:
                log.error("%s: nobody is let in by it", error)
            return signature, ""

    def now(self, key: str) -> str | None:
        """The name of the peer with this key, by its file as it is at this moment."""
        name = self.names.get(key)
        # Whoever is refused does not come again: a key that was just added must not be. To ask
        # here at all, a peer must know the server's public key.
        if name is None or self._files[name][0] != _signature(self.path / f"{name}{PUBLIC}"):
            self.refresh()
            name = self.names.get(key)
        return name


def _signature(path: Path) -> tuple[int, ...]:
    """Differs when the file does; () where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
