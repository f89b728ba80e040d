"""Asks name servers for addresses: c-ares (by pycares) on gevent's loop.

Nothing here blocks or runs in a thread. A reply is a call in the hub, or in the caller of `ask`
before that returns. A c-ares channel keeps every answer in a cache without a bound, so a channel is
used for a limited time and is closed after its last question was answered. It keeps its UDP port as
long as a question is open, so under load for ever, and who forges answers must know the port. So
after some questions another channel is used, until the first one has none open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from socket import AddressFamily
from typing import Any, Final

import gevent
import pycares
from pycares import errno

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.dns.replies import Reply, Status, failed
from fetcher.web_urls import bracketed

# NOSEARCH: host names in URLs are whole. With the machine's search domains (five questions a name
# in Kubernetes), a name that does not exist could turn into one that does. EDNS: long answers in
# one packet; it is c-ares' default, which `flags` replaces.
_FLAGS: Final = pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_EDNS
# ARES_AI_NOSORT, which pycares does not name: c-ares would open a socket to each address to sort.
_NOSORT: Final = 1 << 7
_FAMILIES: Final = {int(family): family for family in AddressFamily}
_READ: Final = 1  # the events of gevent's io watchers
_WRITE: Final = 2

# A channel's cache takes about 1.2 KB a question, and keeps some answers longer than their servers
# said ("no address" without a SOA: an hour). A new channel also reads resolv.conf again, and must
# find out again which servers are dead.
_CHANNEL_QUESTIONS: Final = 2_000
_MOST_CHANNELS: Final = 4  # in use; more may wait for their last replies
_PORT_QUESTIONS: Final = 100
_CHANNEL_AGE_S: Final = (1.0, 60.0)  # the bounds of `max_age_s`
# c-ares waits no shorter than this for an answer.
_MIN_WAIT_S: Final = 0.25
# c-ares looks for questions whose wait is over once in the first wait, and at least so often. To
# look more often would flood a server that was fast and died: c-ares waits `_MIN_WAIT_S` then.
_MAX_TICK_S: Final = 1.0
# From the third answer of a server on, c-ares waits for it no longer than it usually takes.
_MOST_UNMEASURED: Final = 2
# Addresses kept of one answer: nobody tries more, and a hostile zone may send thousands.
_MAX_ADDRESSES: Final = 16


_CLOSED: Final = failed("the resolver was closed")
_REPLIES: Final = {
    errno.ARES_ENODATA: Reply(Status.NO_ADDRESS),
    errno.ARES_ENOTFOUND: Reply(Status.NO_NAME),
    errno.ARES_EFORMERR: failed("the name server did not understand"),
    errno.ARES_ESERVFAIL: failed("the name server failed", ErrorKind.DNS_FAILED),
    errno.ARES_ENOTIMP: failed("the name server does not do this"),
    errno.ARES_EREFUSED: failed("the name server refused", ErrorKind.DNS_REFUSED),
    errno.ARES_EBADNAME: failed("not a valid host name"),
    errno.ARES_EBADRESP: failed("the name server's answer is malformed", ErrorKind.DNS_BAD_ANSWER),
    errno.ARES_ECONNREFUSED: failed("the name server cannot be reached", ErrorKind.DNS_UNREACHABLE),
    errno.ARES_ETIMEOUT: Reply(Status.SILENT),
    errno.ARES_EFILE: failed("no file descriptor or memory is left"),
    errno.ARES_ENOMEM: failed("no file descriptor or memory is left"),
    errno.ARES_EDESTRUCTION: _CLOSED,
    errno.ARES_ECANCELLED: _CLOSED,
}


class NameServers:
    """The name servers of a resolver; without addresses, those of this machine.

    c-ares asks each in turn and doubles its wait each round. The first wait is chosen so that all
    rounds to one server take `total_s` together. Once it knows a server as fast, it waits a quarter
    of a second, and asks again: it does not take the answer to the first question then, so a name
    that takes that server longer would never be known. For such a name, use `ask_patiently`. An
    answer may be up to `max_age_s` old (at least a second, at most a minute), if its TTL is longer.
    """

    def __init__(
        self, servers: Sequence[tuple[str, int]], total_s: float, tries: int, max_age_s: float
    ) -> None:
        """`servers`: addresses and ports."""
        self._options: dict[str, Any] = {
            "flags": _FLAGS,
            "timeout": max(_MIN_WAIT_S, total_s / (2**tries - 1)),
            "tries": tries,
            # Not `lookups`: pycares 5.2.1 frees its text before c-ares reads it.
            "servers": [f"{bracketed(address)}:{port}" for address, port in servers],
        }
        wait_s = max(_MIN_WAIT_S, total_s / max(1, len(servers)))
        self._patient_options = self._options | {"timeout": wait_s, "tries": 1}
        self._patient: _Channel | None = None  # from the first question that needs it on
        least_s, most_s = _CHANNEL_AGE_S
        self._max_age_s = min(most_s, max(least_s, max_age_s))
        self._closed = False
        self._channels = [_Channel(self._options)]
        self._retired: list[_Channel] = []

    def ask(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        """Ask for the name's addresses of this family; `reply` is called once."""
        if self._closed:
            reply(_CLOSED)
            return
        self._next_channel().ask(name, family, self._unless_malformed(name, family, reply))

    def ask_patiently(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        """As `ask`, with one question to each server, and all the time for its answer."""
        if self._closed:
            reply(_CLOSED)
            return
        channel = self._patient
        if channel is None or channel.answered >= _MOST_UNMEASURED:
            channel = self._renewed(channel, self._patient_options)
            self._patient = channel
        channel.ask(name, family, self._unless_malformed(name, family, reply))

    def _unless_malformed(
        self, name: str, family: int, reply: Callable[[Reply], None]
    ) -> Callable[[Reply], None]:
        """`reply`, which gets the answer to another question in place of a malformed answer.

        c-ares cannot tell to which question a malformed answer belongs: it blames all that were
        open on the same socket. So each of them is asked again, on a socket of its own.
        """

        def on_reply(found: Reply) -> None:
            if found.kind is ErrorKind.DNS_BAD_ANSWER and not self._closed:
                self._ask_alone(name, family, reply)
            else:
                reply(found)

        return on_reply

    def _ask_alone(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        channel = _Channel(self._options)
        self._retired = [*(old for old in self._retired if old.open), channel]
        channel.ask(name, family, reply)
        channel.retire()

    def close(self) -> None:
        """Close the sockets in the loop's next turn; open questions end as FAILED."""
        self._closed = True
        for channel in (*self._channels, self._patient, *self._retired):
            if channel is not None:
                channel.close()

    def _next_channel(self) -> _Channel:
        """The first channel that may ask from the port that it has, or takes a new one."""
        channels = self._channels
        for number, channel in enumerate(channels):
            if not channel.keeps_its_port:
                if channel.is_old(self._max_age_s):
                    channels[number] = self._renewed(channel, self._options)
                return channels[number]
        if len(channels) < _MOST_CHANNELS:
            channels.append(_Channel(self._options))
        else:
            channels.append(self._renewed(channels.pop(0), self._options))
        return channels[-1]

    def _renewed(self, channel: _Channel | None, options: dict[str, Any]) -> _Channel:
        """A new channel in place of this one, which closes after its last reply."""
        if channel is not None:
            channel.retire()
            self._retired = [old for old in (*self._retired, channel) if old.open]
        return _Channel(options)


class _Channel:
    """A c-ares channel and the watchers that drive it; it closes itself when it is retired."""

    def __init__(self, options: dict[str, Any]) -> None:
        """`options`: those of pycares.Channel."""
        self._tick_s = min(_MAX_TICK_S, options["timeout"])
        self._loop = gevent.get_hub().loop
        self._watchers: dict[int, Any] = {}  # by file descriptor
        self._timer: Any = None  # runs while questions are open
        self._ares = pycares.Channel(sock_state_cb=self._on_socket, **options)
        self._made = time.monotonic()
        self._asked = 0
        self._asked_from_port = 0
        self.open = 0  # questions without a reply
        self.answered = 0  # questions that a server has answered
        self._is_retired = self._is_closed = False

    def is_old(self, max_age_s: float) -> bool:
        return self._asked >= _CHANNEL_QUESTIONS or time.monotonic() - self._made > max_age_s

    @property
    def keeps_its_port(self) -> bool:
        """Whether it has asked enough from its port, and still has open questions there."""
        return self.open > 0 and self._asked_from_port >= _PORT_QUESTIONS

    def ask(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        def ended(found: pycares.AddrInfoResult | None, error: int | None) -> None:
            self.open -= 1
            self.answered += error != errno.ARES_ETIMEOUT
            if self._is_retired and not self.open:
                self.close()
            reply(_reply(found, error, family))

        self._asked += 1
        self._asked_from_port = self._asked_from_port + 1 if self.open else 1
        self.open += 1
        self._ares.getaddrinfo(name, None, family=_FAMILIES[family], flags=_NOSORT, callback=ended)
        if self._timer is None and self.open:
            self._set_timer()

    def retire(self) -> None:
        """No question follows: close after the last reply."""
        self._is_retired = True
        if not self.open:
            self.close()

    def close(self) -> None:
        # Later, as c-ares must not be closed inside one of its own calls.
        self._loop.run_callback(self._close)

    def _close(self) -> None:
        if self._is_closed:
            return
        self._ares.cancel()  # the open questions end here, and not in pycares' thread
        self._is_closed = True
        if self._timer is not None:
            self._timer.close()
        for watcher in self._watchers.values():
            watcher.close()
        self._watchers.clear()
        self._ares.close()

    def _on_socket(self, fd: int, readable: bool, writable: bool) -> None:
        """c-ares waits for these events of its socket, or is about to close it."""
        # After `_close` it may come from pycares' thread, where nothing here may be touched.
        if self._is_closed:
            return
        watcher = self._watchers.pop(fd, None)
        if watcher is not None:
            watcher.close()
        events = readable * _READ | writable * _WRITE
        if events:
            watcher = self._watchers[fd] = self._loop.io(fd, events)
            watcher.start(self._on_io, fd, pass_events=True)

    def _on_io(self, events: int, fd: int) -> None:
        unused = pycares.ARES_SOCKET_BAD
        self._ares.process_fd(fd if events & _READ else unused, fd if events & _WRITE else unused)

    def _set_timer(self) -> None:
        self._timer = self._loop.timer(self._tick_s)
        self._timer.start(self._on_timer)

    def _on_timer(self) -> None:
        self._timer.close()
        self._timer = None
        self._ares.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        if self.open and self._timer is None:
            self._set_timer()


def _reply(found: pycares.AddrInfoResult | None, error: int | None, family: int) -> Reply:
    if found is None:
        return _REPLIES.get(error or 0) or failed(str(errno.strerror(error or 0)))
    # Text is bytes here. The hosts file may give an address of the other family.
    addresses = dict.fromkeys(
        node.addr[0].decode("ascii") for node in found.nodes if node.family == family
    )
    if not addresses:
        return _REPLIES[errno.ARES_ENODATA]
    return Reply(Status.FOUND, tuple(addresses)[:_MAX_ADDRESSES])
