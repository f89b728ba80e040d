"""The thread that lets peers in, and knows of those it does not let in.

Law: runs in unpatched processes only. It answers libzmq's question whether a key may connect
(ZAP), reads what the sockets' monitors tell, and looks at the list of peers; it decides nothing
about the job and touches no socket of the role. It must not die: libzmq waits for it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import zmq
from zmq.utils import z85

from fetcher.security import keyring
from fetcher.security.connection_table import ConnectionTable
from fetcher.security.curve import HANDSHAKE_S, ONLY
from fetcher.security.rejections import Reason, Rejections

log = logging.getLogger(__name__)

_ZAP: Final = "inproc://zeromq.zap.01"  # where libzmq asks; RFC 27
_LOOK_S: Final = 0.5  # how often the list of peers is looked at
_PAUSE_S: Final = 0.1  # after an error of our own
_MOST_AT_ONCE: Final = 1000  # events of a socket, or questions, before something else is done
_EVENT: Final = struct.Struct("=Hi")
_WRONG_BOX: Final = 0x11000001  # libzmq's ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
_OTHER_MECHANISM: Final = 0x11000002  # … ZMTP_MECHANISM_MISMATCH
_ENDS: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_FAILURES: Final = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_PEERS: Final = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_EVENTS: Final = _PEERS | _ENDS | _FAILURES | zmq.EVENT_MONITOR_STOPPED


class Authenticator:
    """One for a role's context; what it is told to watch is bound or connected afterwards."""

    def __init__(
        self, refusals: Rejections, allowed: keyring.AllowList | None, *, has_keys: bool = True
    ) -> None:
        """`allowed`: of a role that binds under keys; `has_keys`: whether ours has any."""
        self._refusals = refusals
        self._allowed = allowed
        self._has_keys = has_keys
        self._names = allowed.names if allowed is not None else {}
        self._look_at = 0.0
        self._zap: Any = None
        self._thread: threading.Thread | None = None
        self._poller = zmq.Poller()
        self._new: queue.SimpleQueue[tuple[Any, str, str, bool]] = queue.SimpleQueue()
        self._wake = -1  # an eventfd, while there is a thread
        self._closing = False
        self._numbers = itertools.count()  # no two monitors at one address, also one after another
        self._watched: list[Any] = []  # sockets of the role: its own thread's
        self._monitors: dict[Any, tuple[str, str, bool]] = {}  # -> way, address, whether bound
        self._tables: dict[str, ConnectionTable] = {}
        self._ports: dict[str, int] = {}
        self.revoked: queue.SimpleQueue[str] = queue.SimpleQueue()  # peers, for the role
        self.refused = ""  # by which server our key was, and what to do

    # -- the role's thread -------------------------------------------------------------------

    def watch(self, socket: Any, way: str, address: str, *, bind: bool) -> None:
        """Watch this socket from now on."""
        if self._thread is None:
            self._wake = os.eventfd(0, os.EFD_NONBLOCK)
            if self._allowed is not None:
                self._zap = socket.context.socket(zmq.REP)
                self._zap.bind(_ZAP)
            self._thread = threading.Thread(target=self._run, name="doorkeeper", daemon=True)
            self._thread.start()
        name = f"inproc://monitor-{way}-{next(self._numbers)}"
        self._new.put((socket.get_monitor_socket(_EVENTS, name), way, address, bind))
        self._watched.append(socket)
        os.eventfd_write(self._wake, 1)

    def forget(self, socket: Any) -> None:
        """Watch this socket no more."""
        self._watched.remove(socket)
        socket.disable_monitor()

    def close(self) -> None:
        """End the thread; to be called before the context's end, by whoever watched."""
        if self._thread is None:
            return
        # First: a monitor that nobody reads holds up libzmq.
        for each in self._watched:
            if not each.closed:
                each.disable_monitor()
        self._closing = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._thread = None
        os.close(self._wake)

    # -- its own -----------------------------------------------------------------------------

    def _run(self) -> None:
        self._poller.register(self._wake, zmq.POLLIN)
        if self._zap is not None:
            self._poller.register(self._zap, zmq.POLLIN)
        while not self._closing:
            try:
                self._poller.poll(int(_LOOK_S * 1000))
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
                self._read_monitors()
                self._answer()
                self._look()
            except zmq.ContextTerminated:
                return  # the role died without a word to us
            except Exception:
                log.exception("the check of keys failed, and goes on")
                time.sleep(_PAUSE_S)
        self._take_new()
        for monitor in self._monitors:
            monitor.close(0)
        if self._zap is not None:
            self._zap.close(0)

    def _take_new(self) -> None:
        while not self._new.empty():
            monitor, way, address, bind = self._new.get()
            self._monitors[monitor] = way, address, bind
            self._tables.setdefault(way, ConnectionTable(way, self._refusals, HANDSHAKE_S))
            self._ports[way] = int(address.rpartition(":")[2]) if address[:3] == "tcp" else 0
            self._poller.register(monitor, zmq.POLLIN)

    def _read_monitors(self) -> None:
        self._take_new()
        now = time.monotonic()
        for monitor, (way, address, bind) in list(self._monitors.items()):
            with contextlib.suppress(zmq.Again):
                for _ in range(_MOST_AT_ONCE):
                    frames = monitor.recv_multipart(zmq.NOBLOCK)
                    event, value = _EVENT.unpack(frames[0])
                    if event == zmq.EVENT_MONITOR_STOPPED:
                        self._poller.unregister(monitor)
                        del self._monitors[monitor]
                        monitor.close(0)
                        break
                    if bind:
                        self._of_peer(event, value, way, now)
                    else:
                        self._of_server(event, value, way, address)

    def _of_peer(self, event: int, value: int, way: str, now: float) -> None:
        table = self._tables[way]
        if event == zmq.EVENT_ACCEPTED:
            table.accepted(value, _peer(value, self._ports[way]), now)
        elif event == zmq.EVENT_DISCONNECTED:
            table.closed(value, now)
        elif event & _ENDS:
            table.judged(now)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            table.failed(Reason.LEFT)
        elif event & _FAILURES:
            table.failed(Reason.WRONG_SERVER_KEY if value == _WRONG_BOX else Reason.NOT_CURVE)

    def _of_server(self, event: int, value: int, way: str, address: str) -> None:
        server = keyring.SERVER_OF[way]
        if not self._has_keys:
            if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _OTHER_MECHANISM:
                self.refused = (
                    f"{address}: the {server} requires keys: name this role's folder with --keys "
                    "(`fetcher keys init` makes it)"
                )
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._refusals.add(Reason.HUNG_UP, f"the {server}", address)
        # After these, libzmq does not try again.
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self.refused = (
                f"{address}: the {server} does not let this key in: put it into the "
                f"{server}'s folder {keyring.ALLOWED}, and start again"
            )
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self.refused = (
                f"{address}: no {server} with the key that {server}{keyring.PUBLIC} holds: start "
                "it with its keys, or copy this role's folder again"
            )

    # -- who may come in ---------------------------------------------------------------------

    def _answer(self) -> None:
        if self._zap is None:
            return
        with contextlib.suppress(zmq.Again):
            for _ in range(_MOST_AT_ONCE):
                request = self._zap.recv_multipart(zmq.NOBLOCK)
                # To a 300 the peer comes again, to a 400 it does not.
                verdict = (b"300", b"", b"")
                try:
                    # Its connection was told of before it could ask.
                    self._read_monitors()
                    key = self._admit(request)
                    verdict = (b"200", b"", key) if key else (b"400", b"", b"")
                finally:
                    self._zap.send_multipart([b"1.0", request[1], *verdict, b""])

    def _admit(self, request: list[bytes]) -> bytes:
        """The key, which libzmq has checked that the peer has, if it may come in; else b""."""
        _version, _number, domain, host, _identity, mechanism, *credentials = request
        if mechanism != b"CURVE" or len(credentials) != 1 or self._allowed is None:
            return b""
        way, who = domain.decode("ascii"), _plain(host.decode("ascii"))
        key = z85.encode(credentials[0]).decode("ascii")
        name = self._allowed.now(key)
        if name is None:
            self._refusals.add(Reason.UNKNOWN_KEY, who, way)
            return b""
        if name != ONLY.get(way, name):
            self._refusals.add(Reason.NOT_ALLOWED, f"{name} ({who})", way)
            return b""
        self._tables[way].asked(who, key, time.monotonic())
        return key.encode("ascii")

    def _look(self) -> None:
        """Close the connections of keys that are no longer on the list."""
        now = time.monotonic()
        if self._allowed is None or now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        before = self._names
        self._allowed.refresh()
        self._names = self._allowed.names
        for key, name in before.items():
            if self._names.get(key) != name:
                log.warning("%s is no longer on the list of peers: its connections end", name)
                self.revoked.put(name)
                for way, table in self._tables.items():
                    for fd, host in table.of(key):
                        _cut(fd, host, self._ports[way])


def _peer(fd: int, port: int) -> tuple[str, int] | None:
    """Who has this connection to our port (0: a path); None where it is closed already."""
    with contextlib.suppress(OSError), _borrowed(fd) as connection:
        ours, theirs = connection.getsockname(), connection.getpeername()
        if not isinstance(theirs, tuple):
            return "", 0
        if ours[1] == port:  # else its number is another's by now
            return _plain(theirs[0]), theirs[1]
    return None


def _cut(fd: int, host: str, port: int) -> None:
    """End a connection of libzmq's, which sees its end; never another's that has its number now."""
    peer = _peer(fd, port)
    if peer is not None and peer[0] == host:
        with contextlib.suppress(OSError), _borrowed(fd) as connection:
            connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    connection = socket.socket(fileno=fd)
    try:
        yield connection
    finally:
        connection.detach()


def _plain(host: str) -> str:
    """As people write it; "" for a peer on this host's own sockets, of which ZAP tells the pid."""
    if host.startswith(":") and not host.startswith("::"):
        return ""
    return host.removeprefix("::ffff:")
