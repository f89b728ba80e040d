"""Places slots as tasks of Celery, from the process of `fetcher run`."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kombu.exceptions import KombuError

from fetcher.engines.celery.app import make_app
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.errors import ConfigError
from fetcher.settings import secrecy
from fetcher.settings.queues import start_celery
from fetcher.settings.schema import Settings

_SERVE: Final = "fetcher.serve"
_CONNECT_S: Final = 4.0
_ANSWER_S: Final = 1.0  # for workers to say what they run
_RETRIES: Final = {"max_retries": 1, "interval_start": 0.2}
_MOST_KNOWN: Final = 10_000  # slots that were placed last
# Tasks in a queue. Slots that nobody takes expire and are placed again, but a broker keeps expired
# tasks until a worker comes.
_MOST_WAITING: Final = 10_000
_BROKER_URL: Final = "CELERY_BROKER_URL"  # Celery's own variable


class CeleryEngine(Engine):
    """Tasks in queues of a broker."""

    has_queues = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._start_s = settings.engine.start_s
        self._queues: set[str] = set()  # in which slots were placed
        address = settings.engine.address
        self._app = make_app(address)
        self._named_by = _named_by(address, self._app.conf.broker_write_url)
        _require_usable(self._app, self._named_by, address)
        # This process only sends, and must notice soon that nobody answers.
        self._app.conf.broker_connection_timeout = _CONNECT_S
        self._placed: deque[tuple[str, float]] = deque(maxlen=_MOST_KNOWN)  # slot, when

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        with self._errors():
            room = self._room({ticket["queue"] for ticket in tickets})
            for ticket in tickets:
                if not room[ticket["queue"]]:
                    continue
                room[ticket["queue"]] -= 1
                self._app.send_task(
                    _SERVE,
                    args=[dict(ticket)],
                    # What dashboards show of the arguments.
                    argsrepr=f"(slot {ticket['number']} of job {ticket['job']},)",
                    task_id=ticket["slot"],
                    queue=ticket["queue"],
                    expires=self._start_s,
                    ignore_result=True,
                    retry=True,
                    retry_policy=_RETRIES,
                )
                self._queues.add(ticket["queue"])
                self._placed.append((ticket["slot"], time.monotonic()))

    def _room(self, queues: Iterable[str]) -> dict[str, int]:
        """Return how many tasks may be added to each queue, at least one."""
        with self._connected() as connection:
            return {
                queue: max(_MOST_WAITING - _waiting_in(connection, queue), 1) for queue in queues
            }

    def count(self) -> SlotCount:
        with self._errors():
            with self._connected() as connection:
                waiting = sum(_waiting_in(connection, queue) for queue in self._queues)
            waiting = min(waiting, len(self._placed))  # others may be of earlier jobs
            active = self._app.control.inspect(timeout=_ANSWER_S).active() or {}
            running = {task["id"] for tasks in active.values() for task in tasks}
            return SlotCount(waiting, len(running & {slot for slot, _ in self._placed}))

    def advice(self, queues: Sequence[str]) -> str:
        return f"{start_celery(queues)}, unless its workers are only busy"

    def end(self) -> None:
        with self._errors():
            # Older ones have begun, and end with the job, or have expired.
            began = time.monotonic() - self._start_s
            if waiting := [slot for slot, placed_at in self._placed if placed_at > began]:
                self._app.control.revoke(waiting)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        with self._app.connection_for_read() as connection:
            connection.ensure_connection(**_RETRIES)  # Celery would try for longer
            yield connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        broker = self._app.connection_for_write()
        expected = (KombuError, OSError, *broker.connection_errors, *broker.channel_errors)
        try:
            yield
        except expected as error:
            where = broker.as_uri()  # without its password
            raise EngineError(
                f"the broker at {where} ({self._named_by}) cannot be used: {error}"
            ) from error
        except (ValueError, ImportError) as error:  # some look at the URL only now
            raise ConfigError(_unusable(self._named_by, broker.as_uri(), error)) from error


def _named_by(address: str, found: str | None) -> str:
    """Return which setting names the broker, for messages."""
    if address:
        return "engine.address"
    if os.environ.get(_BROKER_URL):
        return _BROKER_URL
    return "broker_url" if found else "Celery's default, as engine.address does not name one"


def _require_usable(app: Any, named_by: str, address: str) -> None:
    """Raise ConfigError if the URL of the broker is none, or its library is missing."""
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)  # messages name the default host
    if address and "://" not in address:
        raise ConfigError(_unusable(named_by, address, "it has no scheme"))
    try:
        app.connection_for_write()
    except Exception as error:  # any that the library of the URL's scheme may raise
        url = secrecy.credentials(app.conf.broker_write_url or "")
        raise ConfigError(_unusable(named_by, url, error)) from error


def _unusable(named_by: str, url: str, why: object) -> str:
    return (
        f"{named_by} = {url}: Celery cannot use this as the URL of a broker: {why}; it is like "
        "redis://HOST:6379/0 or amqp://USER:PASSWORD@HOST//"
    )


def _waiting_in(connection: Any, queue: str) -> int:
    """Return how many tasks wait in a queue; Redis does not know a queue without tasks."""
    with contextlib.suppress(*connection.channel_errors), connection.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)
    return 0
