"""A thread that decides which peers may connect, and reports those that may not.

It answers libzmq's requests to authenticate a key (ZAP, RFC 27), reads the events of the sockets'
monitors, and rereads the list of peers. It runs in unpatched processes only, decides nothing about
the job, and touches none of the role's sockets. It must not die: libzmq waits for its answers.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import struct
import threading
import time
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from fetcher.security import keyring
from fetcher.security.connection_table import ConnectionTable
from fetcher.security.connections import disconnect, peer_of, plain_host
from fetcher.security.curve import HANDSHAKE_S, ONLY_PEER
from fetcher.security.rejections import Reason, Rejections

log = logging.getLogger(__name__)

_ZAP: Final = "inproc://zeromq.zap.01"  # where libzmq sends its requests
_RELOAD_S: Final = 0.5  # how often the list of peers is read again
_PAUSE_S: Final = 0.1  # after an error of our own
_MAX_BURST: Final = 1000  # events of a socket, or requests, before something else is done
_EVENT: Final = struct.Struct("=Hi")
_WRONG_BOX: Final = 0x11000001  # libzmq's ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
_OTHER_MECHANISM: Final = 0x11000002  # ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
_COMPLETED: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_FAILED: Final = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_CONNECTIONS: Final = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_EVENTS: Final = _CONNECTIONS | _COMPLETED | _FAILED | zmq.EVENT_MONITOR_STOPPED
# Status codes of ZAP. A peer tries again after "300", and gives up after "400".
_ACCEPT: Final = b"200"
_TRY_AGAIN: Final = b"300"
_REFUSE: Final = b"400"


class _Watched(NamedTuple):
    """A socket whose monitor is read."""

    channel: str
    address: str
    is_bound: bool


class Authenticator:
    """The authenticator of one role's context.

    A socket is watched before it is bound or connected.
    """

    def __init__(
        self, rejections: Rejections, allowed: keyring.AllowList | None, *, has_keys: bool = True
    ) -> None:
        """`allowed`: the peers of a role that binds with keys; `has_keys`: whether this role has.

        `revoked` gets the name of each peer whose key leaves the list. `refusal` becomes non-empty
        when a server refuses this role: it says which one, and what to do.
        """
        self.revoked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.refusal = ""
        self._rejections = rejections
        self._allowed = allowed
        self._has_keys = has_keys
        self._names = allowed.names if allowed is not None else {}
        self._reload_at = 0.0
        self._zap: Any = None
        self._thread: threading.Thread | None = None
        self._poller = zmq.Poller()
        self._new: queue.SimpleQueue[tuple[Any, _Watched]] = queue.SimpleQueue()
        self._wake = -1  # an eventfd, while there is a thread
        self._closing = False
        self._numbers = itertools.count()  # a monitor's address must never be used twice
        self._sockets: list[Any] = []  # of the role, to be touched by its own thread only
        self._monitors: dict[Any, _Watched] = {}
        self._tables: dict[str, ConnectionTable] = {}  # by channel
        self._ports: dict[str, int] = {}  # by channel; 0: an ipc path

    # -- called by the role's thread ---------------------------------------------------------

    def watch(self, socket: Any, channel: str, address: str, *, bind: bool) -> None:
        """Read this socket's events from now on."""
        if self._thread is None:
            self._start(socket.context)
        name = f"inproc://monitor-{channel}-{next(self._numbers)}"
        watched = _Watched(channel, address, is_bound=bind)
        self._new.put((socket.get_monitor_socket(_EVENTS, name), watched))
        self._sockets.append(socket)
        os.eventfd_write(self._wake, 1)

    def _start(self, context: Any) -> None:
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        if self._allowed is not None:
            self._zap = context.socket(zmq.REP)
            self._zap.bind(_ZAP)
        self._thread = threading.Thread(target=self._run, name="authenticator", daemon=True)
        self._thread.start()

    def forget(self, socket: Any) -> None:
        """Stop reading this socket's events."""
        self._sockets.remove(socket)
        socket.disable_monitor()

    def close(self) -> None:
        """End the thread; call it before the context is destroyed."""
        if self._thread is None:
            return
        # First, as a monitor that nobody reads holds up libzmq.
        for each in self._sockets:
            if not each.closed:
                each.disable_monitor()
        self._closing = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._thread = None
        os.close(self._wake)

    # -- the authenticator's own thread ------------------------------------------------------

    def _run(self) -> None:
        self._poller.register(self._wake, zmq.POLLIN)
        if self._zap is not None:
            self._poller.register(self._zap, zmq.POLLIN)
        while not self._closing:
            try:
                self._turn()
            except zmq.ContextTerminated:
                return  # the role died without calling `close`
            except Exception:
                log.exception("the check of keys failed, and goes on")
                time.sleep(_PAUSE_S)
        self._take_new()
        for monitor in self._monitors:
            monitor.close(0)
        if self._zap is not None:
            self._zap.close(0)

    def _turn(self) -> None:
        self._poller.poll(int(_RELOAD_S * 1000))
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        self._read_monitors()
        self._answer_requests()
        self._reload_list()

    def _take_new(self) -> None:
        while not self._new.empty():
            monitor, watched = self._new.get()
            channel, address, _ = watched
            self._monitors[monitor] = watched
            self._tables.setdefault(
                channel, ConnectionTable(channel, self._rejections, HANDSHAKE_S)
            )
            is_tcp = address.startswith("tcp:")
            self._ports[channel] = int(address.rpartition(":")[2]) if is_tcp else 0
            self._poller.register(monitor, zmq.POLLIN)

    def _read_monitors(self) -> None:
        self._take_new()
        now = time.monotonic()
        for monitor, watched in list(self._monitors.items()):
            with contextlib.suppress(zmq.Again):
                for _ in range(_MAX_BURST):
                    event, value = _EVENT.unpack(monitor.recv_multipart(zmq.NOBLOCK)[0])
                    if event == zmq.EVENT_MONITOR_STOPPED:
                        self._poller.unregister(monitor)
                        del self._monitors[monitor]
                        monitor.close(0)
                        break
                    if watched.is_bound:
                        self._note_peer(event, value, watched.channel, now)
                    else:
                        self._note_server(event, value, watched)

    def _note_peer(self, event: int, value: int, channel: str, now: float) -> None:
        table = self._tables[channel]
        if event == zmq.EVENT_ACCEPTED:
            table.accepted(value, peer_of(value, self._ports[channel]), now)
        elif event == zmq.EVENT_DISCONNECTED:
            table.closed(value, now)
        elif event & _COMPLETED:
            table.completed(now)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            table.failed(Reason.LEFT)
        elif event & _FAILED:
            table.failed(Reason.WRONG_SERVER_KEY if value == _WRONG_BOX else Reason.NOT_CURVE)

    def _note_server(self, event: int, value: int, watched: _Watched) -> None:
        address, server = watched.address, keyring.SERVER_OF[watched.channel]
        if not self._has_keys:
            if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _OTHER_MECHANISM:
                self.refusal = (
                    f"{address}: the {server} requires keys: name this role's folder with --keys "
                    "(`fetcher keys init` makes it)"
                )
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._rejections.add(Reason.HUNG_UP, f"the {server}", address)
        # After these, libzmq does not try again.
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self.refusal = (
                f"{address}: the {server} does not let this key in: put it into the "
                f"{server}'s folder {keyring.ALLOWED}, and start again"
            )
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self.refusal = (
                f"{address}: no {server} with the key that {server}{keyring.PUBLIC} holds: start "
                "it with its keys, or copy this role's folder again"
            )

    # -- which peers may connect -------------------------------------------------------------

    def _answer_requests(self) -> None:
        if self._zap is None:
            return
        with contextlib.suppress(zmq.Again):
            for _ in range(_MAX_BURST):
                request = self._zap.recv_multipart(zmq.NOBLOCK)
                status, user_id = _TRY_AGAIN, b""
                try:
                    # The event of the peer's connection came before its request.
                    self._read_monitors()
                    user_id = self._authenticate(request)
                    status = _ACCEPT if user_id else _REFUSE
                finally:
                    self._zap.send_multipart([b"1.0", request[1], status, b"", user_id, b""])

    def _authenticate(self, request: list[bytes]) -> bytes:
        """Return the peer's key if it may use the channel, else b"".

        libzmq has checked already that the peer holds the secret key.
        """
        _version, _number, domain, host, _identity, mechanism, *credentials = request
        if mechanism != b"CURVE" or len(credentials) != 1 or self._allowed is None:
            return b""
        channel, who = domain.decode("ascii"), plain_host(host.decode("ascii"))
        key = z85.encode(credentials[0]).decode("ascii")
        name = self._allowed.now(key)
        if name is None:
            self._rejections.add(Reason.UNKNOWN_KEY, who, channel)
            return b""
        if name != ONLY_PEER.get(channel, name):
            self._rejections.add(Reason.NOT_ALLOWED, f"{name} ({who})", channel)
            return b""
        self._tables[channel].authenticated(who, key, time.monotonic())
        return key.encode("ascii")

    def _reload_list(self) -> None:
        """Read the list of peers again; end the connections of keys that have left it."""
        now = time.monotonic()
        if self._allowed is None or now < self._reload_at:
            return
        self._reload_at = now + _RELOAD_S
        before = self._names
        self._allowed.refresh()
        self._names = self._allowed.names
        for key, name in before.items():
            if self._names.get(key) != name:
                log.warning("%s is no longer on the list of peers: its connections end", name)
                self.revoked.put(name)
                self._disconnect(key)

    def _disconnect(self, key: str) -> None:
        for channel, table in self._tables.items():
            for fd, host in table.of_key(key):
                disconnect(fd, host, self._ports[channel])
