"""Makes the tickets of one job's slots."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fetcher import __version__
from fetcher.engines import ticket
from fetcher.engines.addresses import Addresses
from fetcher.engines.secrets import Way
from fetcher.engines.slot_plan import life_s
from fetcher.engines.slot_queues import SlotQueue
from fetcher.engines.ticket import Ticket
from fetcher.settings.load import Value
from fetcher.settings.schema import Settings

_PATIENCE_S: Final = 30.0  # of a slot, if the settings do not say
_SLOT_BYTES: Final = 6


class Tickets:
    """The tickets of one driver's session, numbered from 1."""

    def __init__(
        self,
        settings: Settings,
        session: str,
        addresses: Addresses,
        way: Way,
        servers: dict[str, str],
        public: dict[str, Value],
        parent: str = "",
    ) -> None:
        """`servers`: the public keys of the roles; `public`: settings for all to see.

        `parent`: see Ticket.
        """
        self._engine = engine = settings.engine
        self._made = 0
        self._common = Ticket(
            version=__version__,
            session=session,
            job="",
            slot="",
            number=0,
            key=engine.name,
            servers=servers,
            ventilator=addresses.told.ventilator,
            sinks=(addresses.told.sink,),
            parent=parent,
            settings=public,
            expires_at=0.0,
            slot_s=engine.slot_s,
            idle_s=engine.idle_s,
            patience_s=settings.worker.patience_s or _PATIENCE_S,
            secrets_from=way.secrets_from,
            secrets_file=str(way.path or ""),
        )

    def make(self, job: str, queue: SlotQueue, count: int) -> list[Mapping[str, Any]]:
        """Return the next tickets of a queue, as plain data."""
        return [self._next(job, queue) for _ in range(count)]

    def _next(self, job: str, queue: SlotQueue) -> Mapping[str, Any]:
        self._made += 1
        routes: dict[str, Value] = {"worker.routes": [*queue.routes]} if queue.routes else {}
        new = msgspec.structs.replace(
            self._common,
            job=job,
            slot=f"{self._common.session}-{random.token_hex(_SLOT_BYTES)}",
            number=self._made,
            queue=queue.name,
            settings={**self._common.settings, **routes},
            expires_at=time.time() + self._engine.start_s,
            slot_s=life_s(self._engine.slot_s, self._made),
        )
        return ticket.to_plain(new, self._engine.secret)
