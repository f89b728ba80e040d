"""The sockets between the roles: addresses, options, sending and receiving of messages.

Law: nothing else in the package sets a socket option. High-water marks of 1 together with small
kernel buffers bound what a stalled peer swallows (2,500 messages by default, 5 to 30 so); leases
cover what is lost with it. Works with a plain context and with a `zmq.green` one.
"""

from __future__ import annotations

import enum
import ipaddress
import logging
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import zmq

from fetcher.errors import ConflictError, UsageError, WireError
from fetcher.protocol import codec, messages
from fetcher.security.policy import NO_KEYS, Security
from fetcher.telemetry import drops

log = logging.getLogger(__name__)

_LINGER_MS: Final = 2_000
# Over TCP a peer that vanished without a word is noticed, so that its pipe is given up: how often
# it is asked, and how long it may take. Tasks in a pipe are handed out again ten seconds after
# their worker was last heard of, and must not arrive there after that.
_ZMTP_MS: Final = (5_000, 20_000)
_ZMTP_TASKS_MS: Final = (2_000, 6_000)
_MOST_MALFORMED: Final = 100  # messages that one call drops


class SinkEndpoints(msgspec.Struct, frozen=True):
    """The two addresses of a sink."""

    results: str
    commits: str


class Endpoints(msgspec.Struct, frozen=True):
    """The addresses of a job."""

    tasks: str
    events: str
    control: str
    sinks: tuple[SinkEndpoints, ...]


def ends(ventilator: str, sinks: Sequence[str]) -> Endpoints:
    """Addresses from the endpoints: consecutive ports, or suffixes of an ipc path."""
    return Endpoints(
        tasks=_nth(ventilator, 0),
        events=_nth(ventilator, 1),
        control=_nth(ventilator, 2),
        sinks=tuple(SinkEndpoints(_nth(sink, 0), _nth(sink, 1)) for sink in sinks),
    )


def _nth(endpoint: str, index: int) -> str:
    if endpoint.startswith("ipc://"):
        return f"{endpoint}.{index}"
    base, _, port = endpoint.rpartition(":")
    return f"{base}:{int(port) + index}"


def refuse_open_network(setting: str, *endpoints: str) -> None:
    """Without keys, peers do not prove who they are: only loopback will do. Raises UsageError."""
    for endpoint in endpoints:
        _refuse_open_network(setting, endpoint)


def _refuse_open_network(setting: str, endpoint: str) -> None:
    match = re.match(r"tcp://\[?(.+?)\]?:\d+$", endpoint)
    if match is None:
        return
    host = match[1]
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise UsageError(
            f"{setting} = {endpoint}: beyond loopback anybody on the network could join: set "
            "keys.dir (--keys; `fetcher keys init` makes them), or say --insecure if the network "
            "is yours alone"
        )


class Channel(enum.Enum):
    """The five ways of the flow.

    Each with its ends' high-water mark and kernel buffer, and with the largest frame that is read:
    libzmq ends the connection of whoever sends a larger one.
    """

    TASKS = (1, 16 * 1024, codec.MAX_FRAME_BYTES)
    RESULTS = (2, 0, codec.MAX_FRAME_BYTES)  # few, as each may hold large bodies
    EVENTS = (10_000, 0, codec.MAX_HEADER_BYTES)
    CONTROL = (100, 0, codec.MAX_HEADER_BYTES)
    COMMITS = (10, 0, codec.MAX_HEADER_BYTES)


def open_socket(
    context: Any,
    kind: int,
    way: Channel,
    address: str,
    *,
    bind: bool = False,
    security: Security = NO_KEYS,
) -> Any:
    """A bound or connected socket of this kind. Raises ConflictError where the address is taken."""
    socket = context.socket(kind)
    ahead, buffer_bytes, frame_bytes = way.value
    options: dict[int, Any] = {
        zmq.LINGER: _LINGER_MS,
        zmq.MAXMSGSIZE: frame_bytes,
        zmq.SNDHWM: ahead,
        zmq.RCVHWM: ahead,
    }
    if buffer_bytes:
        options |= {zmq.SNDBUF: buffer_bytes, zmq.RCVBUF: buffer_bytes}
    if address.startswith("tcp:"):
        every_ms, within_ms = _ZMTP_TASKS_MS if way is Channel.TASKS else _ZMTP_MS
        options |= {
            zmq.IPV6: 1,
            zmq.HEARTBEAT_IVL: every_ms,
            zmq.HEARTBEAT_TIMEOUT: within_ms,
        }
    if not bind:
        # On one host the roles start together, and each try costs next to nothing.
        first_ms, most_ms = (10, 50) if address.startswith("ipc:") else (100, 2_000)
        options |= {zmq.RECONNECT_IVL: first_ms, zmq.RECONNECT_IVL_MAX: most_ms}
    if kind == zmq.PUSH:
        options[zmq.IMMEDIATE] = 1
    elif kind == zmq.REQ:
        # A lost reply must not lock the socket; late answers to old requests are dropped.
        options |= {zmq.REQ_RELAXED: 1, zmq.REQ_CORRELATE: 1}
    options |= security.options(way.name.lower(), bind=bind)
    for option, value in options.items():
        socket.setsockopt(option, value)
    if kind == zmq.SUB:
        socket.setsockopt(zmq.SUBSCRIBE, b"")
    security.watch(socket, way.name.lower(), address)
    _join(socket, address, bind=bind)
    return socket


def _join(socket: Any, address: str, *, bind: bool) -> None:
    try:
        (socket.bind if bind else socket.connect)(address)
    except zmq.ZMQError as error:
        socket.close(0)
        if error.errno == zmq.EADDRINUSE:
            raise ConflictError(
                f"{address} is in use by another process; stop that, or choose another endpoint"
            ) from error
        raise UsageError(f"{address}: {error.strerror}; check the endpoints") from error


def send(socket: Any, message: messages.AnyMessage, frame: bytes | None = None) -> bool:
    """Send without waiting; False where there is no peer or no room."""
    try:
        socket.send_multipart(codec.encode(message, frame), zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def receive(
    socket: Any, security: Security = NO_KEYS, way: Channel = Channel.EVENTS
) -> tuple[messages.AnyMessage, bytes] | None:
    """The next message that waits, and its frame; None if none does. Malformed ones are dropped.

    And so are those that their sender may not send: with keys, `way` is the socket's.
    None also after many malformed ones in a row: whoever sends them must not keep the role.
    """
    name = way.name.lower()
    for _ in range(_MOST_MALFORMED):
        try:
            sender, frames = _take(socket, name, security)
        except zmq.Again:
            return None
        message = parse(frames) if frames else None
        if message is not None and security.vouches(sender, message[0], name):
            return message
    return None


def receive_one(socket: Any, security: Security = NO_KEYS) -> list[bytes] | None:
    """The frames that wait, for REQ and REP: these take turns, and a second receive is an error.

    No frames: its sender may not send.
    """
    try:
        return _take(socket, Channel.COMMITS.name.lower(), security)[1]
    except zmq.Again:
        return None


def _take(socket: Any, way: str, security: Security) -> tuple[str, list[bytes]]:
    """The sender, where there are keys, and the frames; none where it may not send."""
    if not security.keyed:
        return "", socket.recv_multipart(zmq.NOBLOCK)
    # Only whole frames know the key that they came under.
    frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
    sender = security.sender(frames[0], way)
    return sender, [frame.bytes for frame in frames] if sender else []


def parse(frames: list[bytes]) -> tuple[messages.AnyMessage, bytes] | None:
    """The message of these frames; None, and a line in the log, where they are none."""
    try:
        return codec.decode(frames)
    except WireError as error:
        drop("malformed", f"a message: {error}")
        return None


class Dropped:
    """Counts what this process dropped, and says so each time that the number has doubled."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, reason: str, what: str) -> None:
        """Something that a peer sent is dropped; `reason` is a word for counts.DROPPED."""
        self.count += 1
        drops.DROPPED[reason] += 1
        # They may come by the thousand: the log must not be what fills the disk.
        if self.count.bit_count() == 1:
            log.warning("dropped %s (%d dropped so far)", what, self.count)


drop: Final = Dropped()
