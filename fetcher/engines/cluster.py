"""Runs a job whose workers an engine places: ventilator and sink here, slots on the cluster."""

from __future__ import annotations

import contextlib
import secrets as random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from fetcher.engines import secrets, ticket
from fetcher.engines.addresses import Addresses, addresses_of
from fetcher.engines.interface import Engine
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.private import private_directory
from fetcher.engines.registry import engine_of
from fetcher.engines.slot_keeper import SlotKeeper
from fetcher.engines.slot_queues import SlotQueue, queues_of
from fetcher.engines.supervisor import Display, Supervisor
from fetcher.engines.tickets import Tickets
from fetcher.errors import StoppedError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.roles import rlimits
from fetcher.roles.spec import RoleSpec
from fetcher.security import engine_keys, keygen, role_policy
from fetcher.settings.load import Value
from fetcher.settings.schema import Settings
from fetcher.store import parent_files
from fetcher.transport.endpoints import endpoints_of

_LEAVE_S: Final = 5.0  # for workers to say that they leave, after their last fetches


class _Session(NamedTuple):
    """What one run of a driver (`fetcher run --engine`) needs for its job."""

    name: str  # no other run has it
    directory: Path
    keys: Path  # the folders of the roles' keys
    own_keys: Path  # of this process
    addresses: Addresses
    servers: dict[str, str]  # the public keys of the roles
    public: dict[str, Value]  # settings that slots need, for all to see
    way: secrets.Way
    secrets: secrets.Secrets


def run_job(
    urlfile: Path,
    out: Path,
    settings: Settings,
    display: Display,
    interrupts: Interrupts,
    selection: Selection | None = None,
    command: str = "",
    input_name: str = "",
    crawl: CrawlRules | None = None,
    refresh: Refresh | None = None,
) -> None:
    """Run the job; arguments as of fetcher.engines.local.run_job. Raises FetcherError."""
    engine = engine_of(settings)
    queues = queues_of(settings, has_queues=engine.has_queues)
    rlimits.check_peers(sum(queue.workers for queue in queues))
    drain_s = settings.worker.grace_s + _LEAVE_S
    parent = "" if refresh is None else str(parent_files.folder_of(out))
    with _session(engine) as session, contextlib.ExitStack() as stack:
        keeper = _keeper(engine, queues, session, parent, display)
        stack.callback(keeper.end, lambda: interrupts.count > 1)
        security = role_policy.of_supervisor(
            str(session.own_keys), lambda line: display.say(f"fetcher: {line}")
        )
        stack.callback(security.close)
        bound, local = session.addresses.bound, session.addresses.local
        supervisor = Supervisor(
            session.directory,
            endpoints_of(local.ventilator, (local.sink,)),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="sink",
            security=security,
            slots=keeper,
            drain_s=drain_s,
        )
        ventilator = RoleSpec(
            role="ventilator",
            name="ventilator",
            settings=settings,
            ventilator=bound.ventilator,
            sinks=(local.sink,),
            session=session.name,
            urlfile=str(urlfile),
            input_name=input_name,
            out=str(out),
            selection=selection,
            crawl=crawl,
            refresh=refresh,
            command=command,
            keys=str(session.keys / "ventilator"),
            drain_s=drain_s,
        )
        supervisor.add(
            replace(
                ventilator,
                role="sink",
                name="sink",
                ventilator=local.ventilator,
                sinks=(bound.sink,),
                keys=str(session.keys / "sink"),
                watch_keys=str(session.own_keys),
            )
        )
        supervisor.add(ventilator)
        with interrupts.listening():
            if not supervisor.run():
                raise StoppedError("stopped before the end; the same command resumes")


@contextlib.contextmanager
def _session(engine: Engine) -> Iterator[_Session]:
    """Make the keys of a job, and remove them at its end."""
    settings, name = engine.settings.engine, random.token_hex(8)
    with private_directory() as directory, contextlib.ExitStack() as stack:
        way = secrets.way_of(settings, name, directory, carries_secrets=engine.carries_secrets)
        public, secret_settings = ticket.settings_of(engine.settings)
        made = secrets.make(way, settings, name, secret_settings)
        keys, own_keys = directory / "keys", directory / "own"
        keygen.init(keys, ())
        engine_keys.allow(keys, settings.name, made.key)
        servers = engine_keys.public_keys(keys)
        engine_keys.write_worker_folder(own_keys, settings.name, made.key, servers)
        if way.path is not None:
            secrets.write(way.path, made)
            stack.callback(way.path.unlink, missing_ok=True)
        addresses = addresses_of(settings, len(engine.settings.routes))
        yield _Session(name, directory, keys, own_keys, addresses, servers, public, way, made)


def _keeper(
    engine: Engine,
    queues: Sequence[SlotQueue],
    session: _Session,
    parent: str,
    display: Display,
) -> SlotKeeper:
    settings = engine.settings
    tickets = Tickets(
        settings,
        session.name,
        session.addresses,
        session.way,
        session.servers,
        session.public,
        parent,
    )
    return SlotKeeper(
        engine,
        queues,
        tickets,
        secrets.encode(session.secrets) if session.way.secrets_from == "engine" else "",
        session.addresses.reach,
        display.say,
    )
