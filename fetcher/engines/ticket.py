"""What a slot must know of its job: plain data that may pass through a broker or a dashboard.

A ticket holds no secret. Keys and secret settings take another way (see fetcher.engines.secrets).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from fetcher import __version__
from fetcher.errors import UsageError
from fetcher.security import engine_keys
from fetcher.settings import describe, load
from fetcher.settings.load import Value
from fetcher.settings.schema import Settings

# Settings of the driver's host, or that a slot has values of its own for.
_NOT_FOR_SLOTS: Final = ("engine.", "keys.", "endpoints.", "monitor.", "metrics.", "input.")
_OWN_VALUES: Final = ("worker.processes", "worker.standing", "worker.patience_s")


class Ticket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One slot of one job."""

    version: str  # of fetcher
    session: str  # of the driver, which makes new keys each time it starts
    job: str
    slot: str  # a name that no other slot has
    number: int  # from 1; for people, and for engines that choose a place by it
    key: str  # the name of the workers' key
    servers: dict[str, str]  # role -> its public key, in Z85
    ventilator: str
    sinks: tuple[str, ...]
    parent: str = ""  # of a refresh: the folder of store.parent_files, which all hosts see
    queue: str = ""  # where an engine with queues places the slot
    settings: dict[str, Value]  # by `section.key`; those that differ from the defaults
    expires_at: float  # seconds since the epoch; a slot that begins later ends at once
    slot_s: float
    idle_s: float
    patience_s: float
    # How the slot gets the workers' key: see fetcher.engines.secrets.
    secrets_from: Literal["engine", "file", "derived"]
    secrets_file: str = ""
    signature: str = ""


def settings_of(settings: Settings) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the settings that slots need: those that may be seen, and the secret ones."""
    plain, default = load.dump(settings), load.dump(Settings())
    public: dict[str, Value] = {}
    secret: dict[str, Value] = {}
    for key in describe.all_keys():
        section, _, name = key.partition(".")
        value = plain[section][name]
        if value == default[section][name] or key.startswith(_NOT_FOR_SLOTS) or key in _OWN_VALUES:
            continue
        (secret if key in describe.secrets() else public)[key] = value
    return public, secret


def to_plain(ticket: Ticket, shared: str) -> dict[str, Any]:
    """Return the ticket as JSON can hold it, signed if there is a shared secret."""
    signed = engine_keys.signature(shared, _signed_text(ticket)) if shared else ""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(ticket, signature=signed))
    return plain


def from_plain(plain: Mapping[str, Any]) -> Ticket:
    """Return the ticket. Raises UsageError if another version made it, or it is malformed."""
    version = plain.get("version")
    if version != __version__:
        raise UsageError(
            f"the slot's ticket was made by fetcher {version}, and this host has {__version__}; "
            "install the same version on all hosts"
        )
    try:
        return msgspec.convert(plain, Ticket)
    except msgspec.ValidationError as error:
        raise UsageError(f"the slot's ticket is malformed: {error}") from error


def require_signed(ticket: Ticket, shared: str) -> None:
    """Raise UsageError if there is a shared secret and the ticket was not signed with it."""
    if shared and not engine_keys.is_signed(shared, _signed_text(ticket), ticket.signature):
        raise UsageError(
            "the slot's ticket was not signed with this host's engine.secret; set the same secret "
            "on all hosts"
        )


def _signed_text(ticket: Ticket) -> bytes:
    unsigned = msgspec.structs.replace(ticket, signature="")
    return msgspec.json.encode(unsigned, order="deterministic")
