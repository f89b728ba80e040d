"""A role's folder of CURVE keys, and the list of peers that it lets in.

    ROLE.key_secret     its own key; the file's name is the peer's name      mode 0600
    SERVER.key          public key of each server that it connects to
    allowed/NAME.key    ventilator and sink: the peers that may connect; deleting one revokes it

The files are read again while a role runs: adding or deleting one takes effect without a restart.
What is wrong with a file is reported in one line.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
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
# The role that binds each channel's socket.
SERVER_OF: Final = {
    "tasks": VENTILATOR,
    "events": VENTILATOR,
    "control": VENTILATOR,
    "results": SINK,
    "commits": SINK,
}
_CONNECTS_TO: Final = {VENTILATOR: (SINK,), SINK: (), WORKER: (VENTILATOR, SINK)}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORKER: Final = re.compile(r"([^@]+)(?:@[^@]+)?-\d+-[0-9a-f]{10}-\d+(?:\.\d+)?")
_RANDOM_BYTES: Final = 5
_MOST_HOST: Final = 63  # characters of a host's name


def check_name(name: str) -> str:
    """Return the name if a worker's key may have it. Raises UsageError if not."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a key: begin with a letter or digit, go on with these and "
            "with . _ -, and use 64 characters at most"
        )
    if name in (VENTILATOR, SINK):
        raise UsageError(f"{name!r} is a role's own name; name a worker's key after its host")
    return name


def common_name(key: str, host: str = "") -> str:
    """Return the part that the names of one supervisor's workers share, unlike any other's.

    In containers, processes of different hosts have the same pid. `host`: where the key's name does
    not say it.
    """
    at = f"@{host[:_MOST_HOST].replace('@', '_')}" if host else ""
    return f"{key}{at}-{os.getpid()}-{secrets.token_hex(_RANDOM_BYTES)}"


def worker_name(common: str, number: int) -> str:
    """Return the name of a worker process; its replacements append .2 and so on."""
    return f"{common}-{number}"


def belongs(worker: str, key: str) -> bool:
    """Return whether a message that names this worker may be sent under the key of this name."""
    if key in (VENTILATOR, SINK):
        return worker == key
    match = _WORKER.fullmatch(worker)
    return match is not None and match[1] == key


@dataclass(frozen=True)
class Keyring:
    """The keys of a role, in Z85."""

    folder: Path
    name: str
    public: bytes
    secret: bytes = field(repr=False)
    servers: dict[str, bytes]  # role -> its public key


def load(folder: Path, role: str) -> Keyring:
    """Read the keys of a role (`ventilator`, `sink` or `worker`). Raises UsageError."""
    if not folder.is_dir():
        hint = _suggestion(folder) or "`fetcher keys init` makes it"
        raise UsageError(f"keys.dir = {folder}: no such directory; {hint}")
    path = _secret_file(folder, role)
    public, secret = _pair(path)
    return Keyring(
        folder=folder,
        name=path.name.removesuffix(SECRET),
        public=public,
        secret=secret,
        servers={name: _public(folder / f"{name}{PUBLIC}") for name in _CONNECTS_TO[role]},
    )


def _suggestion(folder: Path) -> str:
    """Suggest a folder of this name in a set of keys next to `folder`; "" if there is none."""
    places = (f"*/{folder.name}", f"*/workers/{folder.name}") if folder.name else ()
    for place in places:
        for found in sorted(folder.parent.glob(place)):
            if any(found.glob(f"*{SECRET}")):
                return f"did you mean {found}?"
    return ""


def _secret_file(folder: Path, role: str) -> Path:
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
    found = path.stat()
    mode = found.st_mode & 0o777
    if mode & ~_secret_modes(found.st_uid, os.geteuid()):
        raise UsageError(f"{path}: mode {mode:04o} lets others read it; run chmod 600 on it")
    try:
        is_pair = secret is not None and zmq.curve_public(secret) == public
    except (zmq.ZMQError, ValueError):
        is_pair = False
    if secret is None or not is_pair:
        raise UsageError(f"{path}: damaged: its secret key does not fit its public key")
    return public, secret


def _secret_modes(owner: int, user: int) -> int:
    """The permissions that a secret file of this owner may have where `user` runs the role.

    A file of root may be readable for the role's group: another user could not read it otherwise.
    Kubernetes mounts secrets so (fsGroup). PostgreSQL has the same rule for the keys of its server.
    """
    return 0o640 if owner == 0 and user != 0 else 0o600


def _public(path: Path) -> bytes:
    return _read(path)[0]


def _read(path: Path) -> tuple[bytes, bytes | None]:
    """Read a certificate file: its public key, and its secret key if any. Raises UsageError."""
    try:
        public, secret = load_certificate(path)
    except ValueError as error:
        raise UsageError(f"{path}: damaged: holds no public key") from error
    except OSError as error:
        why = error.strerror or "no such file"
        raise UsageError(f"{path}: {why}; copy the role's whole folder") from error
    try:
        is_key = len(z85.decode(public)) == 32
    except (KeyError, ValueError, struct.error):
        is_key = False
    if not is_key:
        raise UsageError(f"{path}: damaged: its public key is malformed")
    return public, secret


class AllowList:
    """The peers of a folder's `allowed` directory.

    Any thread may read `names`: the dict is replaced, never changed.
    """

    def __init__(self, folder: Path) -> None:
        """Read the list. Raises UsageError if the directory or a file in it is unusable."""
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
        """Read the files that have changed."""
        files: dict[str, tuple[tuple[int, ...], str]] = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(PUBLIC):
                        name = entry.name.removesuffix(PUBLIC)
                        files[name] = self._entry(name)
        except FileNotFoundError:
            files = {}  # nobody is allowed
        except OSError as error:
            log.error("%s: %s: the list of peers stays as it was", self.path, error.strerror)
            return
        self._files = files
        self.names = {key: name for name, (_, key) in sorted(files.items()) if key}

    def _entry(self, name: str) -> tuple[tuple[int, ...], str]:
        path = self.path / f"{name}{PUBLIC}"
        signature = _signature(path)
        known = self._files.get(name)
        is_unchanged = known is not None and known[0] == signature
        if known is not None and is_unchanged and known[1]:
            return known
        try:
            return signature, _public(path).decode("ascii")
        except UsageError as error:
            if signature and not is_unchanged:  # else it is logged already
                log.error("%s: this key lets nobody in", error)
            return signature, ""

    def now(self, key: str) -> str | None:
        """Return the name of the peer with this key, by the files as they are now."""
        name = self.names.get(key)
        # A refused peer does not try again, so a key that was just added must be found. Strangers
        # cannot cause these reads: a peer must know the server's public key to come this far.
        if name is None or self._files[name][0] != _signature(self.path / f"{name}{PUBLIC}"):
            self.refresh()
            name = self.names.get(key)
        return name


def _signature(path: Path) -> tuple[int, ...]:
    """Return a value that changes with the file; () if there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
