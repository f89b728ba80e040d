"""What the ventilator's sessions with its sinks have to say to the role that runs them."""

from __future__ import annotations

from typing import NamedTuple

from fetcher.protocol import messages


class JobBegun(NamedTuple):
    """The first sink has opened the job, for the first time."""

    opened: messages.Opened


class Joined(NamedTuple):
    """A sink has opened the job, for the first time."""

    sink: str


class Waiting(NamedTuple):
    """A sink has not opened the job yet; `why`: its refusal, if any."""

    sink: str
    waited_s: float
    why: str


class Frozen(NamedTuple):
    """A sink's share is frozen; `why` names the sink and the reason."""

    why: str
    is_all: bool  # it is the only sink


class Thawed(NamedTuple):
    """The share of this sink goes on."""

    sink: str


Notice = JobBegun | Joined | Waiting | Frozen | Thawed
