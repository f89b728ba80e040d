"""Questions to name servers, through the c-ares that is in gevent's wheel.

Law: nothing here blocks. A reply comes by a call in the hub, maybe before `ask` returns. A c-ares
channel can neither cancel a question nor be kept from caching answers without a bound, so a channel
is used for a while and then ended, when its last question is answered.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final, NamedTuple

import gevent
from gevent.resolver import cares

from fetcher.error_kinds import ErrorKind

# ARES_FLAG_NOSEARCH: host names in URLs are whole. With the machine's search domains (five
# questions a name in Kubernetes), a name that does not exist could turn into one that does.
_NOSEARCH: Final = 1 << 5
# ARES_FLAG_EDNS: long answers in one packet; c-ares' own default, which flags replace.
_EDNS: Final = 1 << 8

# A channel's own cache takes about 1.2 KB a question, and keeps some answers longer than their
# servers said ("no address" without a SOA: an hour). A new channel also reads resolv.conf again.
_CHANNEL_QUESTIONS: Final = 5_000
_CHANNEL_S: Final = (1.0, 60.0)
# c-ares waits no shorter than this for an answer; gevent looks once a second whether it is over,
# so a lost question may be asked again up to a second late.
_LEAST_WAIT_S: Final = 0.25
# Addresses kept of one answer: nobody tries more, and a hostile zone may send thousands.
_MOST_ADDRESSES: Final = 16


class Why(Enum):
    """How a question ended."""

    FOUND = auto()
    NO_NAME = auto()
    NO_ADDRESS = auto()
    FAILED = auto()
    SILENT = auto()


class Reply(NamedTuple):
    """The end of one question; `kind` and `detail` say more about a FAILED one."""

    why: Why
    addresses: tuple[str, ...] = ()
    detail: str = ""
    kind: ErrorKind = ErrorKind.DNS_OTHER


def _failed(detail: str, kind: ErrorKind = ErrorKind.DNS_OTHER) -> Reply:
    return Reply(Why.FAILED, (), detail, kind)


# The numbers in c-ares' errors: 1 and 4 are netdb.h's, the others are ares.h's (gevent mixes them).
_REPLIES: Final = {
    1: Reply(Why.NO_NAME),
    4: Reply(Why.NO_ADDRESS),
    2: _failed("the name server did not understand"),
    3: _failed("the name server failed", ErrorKind.DNS_FAILED),
    5: _failed("the name server does not do this"),
    6: _failed("the name server refused", ErrorKind.DNS_REFUSED),
    8: _failed("not a valid host name"),
    10: _failed("the name server's answer is malformed", ErrorKind.DNS_BAD_ANSWER),
    11: _failed("the name server cannot be reached", ErrorKind.DNS_UNREACHABLE),
    12: Reply(Why.SILENT),
    14: _failed("no file descriptor or memory is left"),
    15: _failed("no file descriptor or memory is left"),
    16: _failed("the resolver was closed"),
}


class NameServers:
    """Name servers that listen on one port; without addresses, those of this machine.

    c-ares asks each in turn and doubles its wait each round. The first wait is chosen so that all
    rounds to one server take `total_s` together. An answer that comes late still counts. An answer
    may be up to `fresh_s` old (at least a second, at most a minute), if its TTL is longer.
    """

    def __init__(
        self, addresses: tuple[str, ...], port: int, total_s: float, tries: int, fresh_s: float
    ) -> None:
        wait_s = max(_LEAST_WAIT_S, total_s / (2**tries - 1))
        self._options: dict[str, Any] = {
            "flags": _NOSEARCH | _EDNS,
            "timeout": wait_s,
            "tries": tries,
        }
        if addresses:
            self._options |= {"servers": list(addresses), "udp_port": port, "tcp_port": port}
        least_s, most_s = _CHANNEL_S
        self._fresh_s = min(most_s, max(least_s, fresh_s))
        self._closed = False
        self._channel = _Channel(self._options)
        self._retired: list[_Channel] = []

    def ask(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        """Ask for the name's addresses of this family; `reply` is called once, in the hub."""
        if self._closed:
            reply(_REPLIES[16])
            return
        if self._channel.is_old(self._fresh_s):
            self._renew()
        self._channel.ask(name, family, reply)

    def close(self) -> None:
        """End at once; questions that are still open end as FAILED."""
        self._closed = True
        for channel in (self._channel, *self._retired):
            channel.destroy()

    def _renew(self) -> None:
        self._channel.retire()
        self._retired = [old for old in (*self._retired, self._channel) if old.open]
        self._channel = _Channel(self._options)


class _Channel:
    """A c-ares channel that ends itself after its last question, once it is retired."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._loop = gevent.get_hub().loop
        self._ares = cares.channel(self._loop, **options)
        # At the end of the process gevent would end it too late, and complain.
        weakref.finalize(self, self._ares.destroy)
        self._made = time.monotonic()
        self._asked = 0
        self.open = 0
        self._retired = False

    def is_old(self, fresh_s: float) -> bool:
        return self._asked >= _CHANNEL_QUESTIONS or time.monotonic() - self._made > fresh_s

    def ask(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        def ended(result: Any) -> None:
            self.open -= 1
            if self._retired and not self.open:
                self.destroy()
            reply(_reply(result, family))

        self._asked += 1
        self.open += 1
        # Not getaddrinfo, whose errors do not tell "no such name" from "no address".
        self._ares.gethostbyname(ended, name.encode("ascii"), family)

    def retire(self) -> None:
        self._retired = True
        if not self.open:
            self.destroy()

    def destroy(self) -> None:
        # Later, as c-ares must not be ended from inside one of its own calls.
        self._loop.run_callback(self._ares.destroy)


def _reply(result: Any, family: int) -> Reply:
    error = result.exception
    if error is not None:
        return _REPLIES.get(error.args[0]) or _failed(str(error.args[-1]))
    # The hosts file may give an address of the other family.
    if result.value.family != family:
        return Reply(Why.NO_ADDRESS)
    addresses = tuple(dict.fromkeys(result.value[2]))[:_MOST_ADDRESSES]
    return Reply(Why.FOUND, addresses) if addresses else Reply(Why.NO_ADDRESS)
