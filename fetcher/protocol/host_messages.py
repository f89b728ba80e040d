"""The messages about the turns of hosts; see politeness.host_broker.

    worker -> ventilator   events   Want, Release, Owned
    ventilator -> workers  control  Grant, GrantAll, RecallAll, Recall, each to one worker

A host is a number here (see politeness.host_numbers).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from fetcher.protocol.bounds import MAX_HOSTS, Count, Hosts, Message, Name, Seconds


class Want(Message, tag="want", frozen=True):
    """The worker has lines for these hosts and asks for their turns; see politeness.host_broker."""

    worker: Name
    ticket: Count
    hosts: Hosts


class Release(Message, tag="release", frozen=True):
    """The worker returns hosts; the lists are parallel."""

    worker: Name
    hosts: Hosts
    tickets: Hosts
    rests_s: Annotated[list[Seconds], Meta(max_length=MAX_HOSTS)]


class Owned(Message, tag="owned", frozen=True):
    """The hosts that this worker owns, for a ventilator that did not grant each of them.

    Lists of hosts are parallel to the list after them.
    """

    worker: Name
    hosts: Hosts
    tickets: Hosts
    resting: Hosts  # hosts that it does not own, and that must rest
    rests_s: Annotated[list[Seconds], Meta(max_length=MAX_HOSTS)]
    answers: Count = 0  # the ticket of the `RecallAll` that this answers; 0: of none


class Grant(Message, tag="grant", frozen=True):
    """This worker may send requests to these hosts."""

    worker: Name
    hosts: Hosts
    tickets: Hosts


class GrantAll(Message, tag="grant_all", frozen=True):
    """This worker is the only one and may send requests to all hosts."""

    worker: Name
    ticket: Count


class RecallAll(Message, tag="recall_all", frozen=True):
    """There are more workers: this worker should keep only the hosts in use, and say which."""

    worker: Name
    ticket: Count  # of the `GrantAll`


class Recall(Message, tag="recall", frozen=True):
    """Other workers wait for these hosts: this worker should return them."""

    worker: Name
    hosts: Hosts
    tickets: Hosts
