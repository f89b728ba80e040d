"""Keys of the workers that an engine runs, and signatures of what an engine is asked to run.

All workers of one job share a key. It is made for the job, or derived from a secret that this host
and the engine's workers share, so that no key has to travel.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import zmq
from zmq.utils import z85

from fetcher.security.keyring import ALLOWED, PUBLIC, SECRET, SINK, VENTILATOR

_KEY_OF: Final = "fetcher: key of the workers of session "
_SIGNATURE_OF: Final = "fetcher: ticket "


def new_secret_key() -> str:
    """Return a new secret key, in Z85."""
    _, secret = zmq.curve_keypair()
    return secret.decode("ascii")


def derived_secret_key(shared: str, session: str) -> str:
    """Return the workers' secret key of a driver's session, in Z85."""
    digest = hmac.digest(shared.encode(), (_KEY_OF + session).encode(), hashlib.sha256)
    return z85.encode(digest).decode("ascii")


def signature(shared: str, text: bytes) -> str:
    """Return what proves that the text comes from somebody who knows the shared secret."""
    return hmac.new(shared.encode(), _SIGNATURE_OF.encode() + text, hashlib.sha256).hexdigest()


def is_signed(shared: str, text: bytes, given: str) -> bool:
    """Return whether `given` is the signature of the text."""
    return hmac.compare_digest(signature(shared, text), given)


def allow(keys: Path, name: str, secret: str) -> None:
    """Let ventilator and sink of a set of keys (see keygen) take the peer with this key."""
    for role in (VENTILATOR, SINK):
        _write(keys / role / ALLOWED / f"{name}{PUBLIC}", public_of(secret))


def public_keys(keys: Path) -> dict[str, str]:
    """Return the public keys of the ventilator and the sink of a set of keys, in Z85."""
    folders = ((SINK, keys / SINK / f"{SINK}{PUBLIC}"), (VENTILATOR, _ventilator_file(keys)))
    return {role: zmq.auth.load_certificate(path)[0].decode("ascii") for role, path in folders}


def _ventilator_file(keys: Path) -> Path:
    return keys / VENTILATOR / f"{VENTILATOR}{PUBLIC}"


def write_worker_folder(folder: Path, name: str, secret: str, servers: Mapping[str, str]) -> None:
    """Write a worker's folder of keys. `servers`: the public keys, by role."""
    folder.mkdir(mode=0o700)
    _write(folder / f"{name}{SECRET}", public_of(secret), secret)
    for role, public in servers.items():
        _write(folder / f"{role}{PUBLIC}", public)


def public_of(secret: str) -> str:
    """Return the public key of a secret key, both in Z85."""
    return zmq.curve_public(secret.encode("ascii")).decode("ascii")


def _write(path: Path, public: str, secret: str = "") -> None:
    """Write a certificate file as pyzmq reads it, for its owner only from the first moment."""
    lines = ["metadata", "curve", f'    public-key = "{public}"']
    lines += [f'    secret-key = "{secret}"'] if secret else []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
