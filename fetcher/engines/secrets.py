"""How the workers' key and the secret settings reach the slots of a job.

engine   the engine carries them by a private way (see Engine.carries_secrets)
file     in engine.secrets_dir, or in a temporary directory if workers are on this host
derived  the key is derived from engine.secret, which the hosts share; secret settings are set
         where the workers run
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from fetcher.errors import ConfigError, UsageError
from fetcher.security import engine_keys
from fetcher.settings.load import Value
from fetcher.settings.schema import Engine, Settings


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The values that no broker and no dashboard may see."""

    key: str  # the workers' secret key, in Z85
    settings: dict[str, Value]

    def __repr__(self) -> str:
        return "Secrets(…)"


class Way(NamedTuple):
    """How the slots of one job get their secrets; see Ticket."""

    secrets_from: Literal["engine", "file", "derived"]
    path: Path | None  # of the file


def way_of(settings: Engine, session: str, private: Path, *, carries_secrets: bool) -> Way:
    """Choose the way. Raises ConfigError if there is none.

    `private`: a directory of this host's user, for workers on this host.
    """
    name = f"fetcher-{session}.json"
    if settings.secrets_dir:
        return Way("file", Path(settings.secrets_dir).absolute() / name)
    if settings.secret:
        return Way("derived", None)
    if carries_secrets:
        return Way("engine", None)
    if _is_loopback(settings.bind):
        return Way("file", private / name)
    raise ConfigError(
        f"engine.bind = {settings.bind}: workers of other hosts need the job's key, which must not "
        f"pass through {settings.name}: set the same engine.secret here and in the environment of "
        "its workers (FETCHER_ENGINE__SECRET), or engine.secrets_dir to a directory that all see"
    )


def make(way: Way, settings: Engine, session: str, secret: Mapping[str, Value]) -> Secrets:
    """Make the job's secrets. Raises ConfigError if some setting cannot travel."""
    if way.secrets_from != "derived":
        return Secrets(engine_keys.new_secret_key(), dict(secret))
    if secret:
        raise ConfigError(
            f"{', '.join(secret)}: may hold secrets, which must not pass through {settings.name}; "
            "set them in the environment of its workers, or set engine.secrets_dir to a directory "
            "that all hosts see"
        )
    return Secrets(engine_keys.derived_secret_key(settings.secret, session), {})


def write(path: Path, secrets: Secrets) -> None:
    """Write the file, for its owner only. Raises UsageError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(
            f"engine.secrets_dir: {path.parent}: {error.strerror}; name a directory that exists "
            "and in which this user may write"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(secrets))


def encode(secrets: Secrets) -> str:
    """Return the secrets as text, for an engine that carries them."""
    return msgspec.json.encode(secrets).decode()


def find(ticket_from: str, path: str, carried: str, session: str, settings: Settings) -> Secrets:
    """Return the secrets in a slot. Raises UsageError.

    `carried`: what the engine brought; `settings`: those of the slot's host.
    """
    if ticket_from == "derived":
        if not settings.engine.secret:
            raise UsageError(
                "this host has no engine.secret, and the job's key is derived from one: set "
                "FETCHER_ENGINE__SECRET in the environment of the engine's workers"
            )
        return Secrets(engine_keys.derived_secret_key(settings.engine.secret, session), {})
    try:
        text = Path(path).read_bytes() if ticket_from == "file" else carried.encode()
        return msgspec.json.decode(text, type=Secrets)
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}: the job's key is not there, because the job is over, this "
            "host does not see the directory, or this user may not read it"
        ) from error
    except msgspec.MsgspecError as error:
        raise UsageError("the job's key is damaged") from error


def _is_loopback(bind: str) -> bool:
    host = bind.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    return ipaddress.ip_address(host).is_loopback
