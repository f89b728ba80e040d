"""The worker that owns all hosts, because it is alone.

Pure. The grant of all hosts needs no answer: until the worker has heard it, it asks for its hosts.
The recall is repeated until the worker has said which hosts it keeps; nobody gets a host before.
"""

from __future__ import annotations

import math
from typing import Final

_RECALL_AGAIN_S: Final = 2.0


class SoleOwner:
    """The broker's record of the worker that owns all hosts; `worker` is "" if none does."""

    def __init__(self) -> None:
        self.worker = ""
        self._ticket = 0  # of the last grant of all hosts
        self._is_new = False  # the grant is to be sent
        self._recall_at = math.inf

    def give(self, worker: str) -> None:
        """The worker owns all hosts from now on."""
        self.worker, self._is_new = worker, True
        self._ticket += 1
        self._recall_at = math.inf

    def contest(self, now: float) -> None:
        """Another worker needs hosts; each turn of the loop may say so."""
        if self._recall_at == math.inf:
            self._recall_at = now

    def wants(self, worker: str, now: float) -> bool:
        """A worker wants hosts. Returns True if it owns all hosts: the grant is then sent again."""
        if worker == self.worker and self._recall_at == math.inf:
            self._is_new = True
            return True
        if self.worker and worker != self.worker:
            self.contest(now)
        return False

    def owns(self, worker: str, ticket: int, now: float) -> None:
        """A worker has said which hosts it owns, in answer to the recall with this ticket."""
        if worker == self.worker and ticket == self._ticket:
            self.worker = ""
        elif self.worker and worker != self.worker:
            self.contest(now)

    def worker_left(self, worker: str) -> bool:
        """The worker is gone. Returns whether it owned all hosts."""
        if worker != self.worker:
            return False
        self.worker = ""
        return True

    def grant(self) -> tuple[str, int] | None:
        """The worker to send the grant of all hosts to, with its ticket; None: nobody now."""
        is_new, self._is_new = self._is_new, False
        return (self.worker, self._ticket) if is_new and self.worker else None

    def recall(self, now: float) -> tuple[str, int] | None:
        """The worker to send the recall of all hosts to, with its ticket; None: nobody now."""
        if not self.worker or self._recall_at > now:
            return None
        self._recall_at = now + _RECALL_AGAIN_S
        return self.worker, self._ticket
