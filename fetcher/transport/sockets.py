"""The sockets between the roles: their options, and how messages are sent and received.

No other module sets a socket option, apart from the CURVE options of fetcher.security.
High-water marks of 1 together with small kernel buffers bound how many messages a stalled peer
swallows (2,500 with libzmq's defaults, 5 to 30 with these); leases cover their loss. Everything
here works with a plain context and with one of zmq.green.
"""

from __future__ import annotations

import enum
import logging
from typing import Any, Final, NamedTuple

import zmq

from fetcher.errors import ConflictError, UsageError, WireError
from fetcher.protocol import codec, messages
from fetcher.security.policy import NO_KEYS, Security
from fetcher.telemetry import drops

log = logging.getLogger(__name__)

_LINGER_MS: Final = 2_000
_MAX_MALFORMED: Final = 100  # messages that one call of `receive` drops


class Channel(enum.StrEnum):
    """The five channels between the roles."""

    TASKS = "tasks"  # ventilator -> workers
    EVENTS = "events"  # workers -> ventilator
    CONTROL = "control"  # ventilator -> workers and watchers
    RESULTS = "results"  # workers -> a sink
    COMMITS = "commits"  # ventilator <-> a sink


class _Tuning(NamedTuple):
    """The options of a channel's sockets."""

    high_water_mark: int  # messages, at each end
    max_frame_bytes: int  # libzmq closes the connection of a peer that sends a larger frame
    kernel_buffer_bytes: int = 0  # 0: the system's default
    # Over TCP, a peer that vanished silently is detected: the interval between two pings, and how
    # long the answer may take.
    ping_every_ms: int = 5_000
    ping_timeout_ms: int = 20_000


_TUNING: Final = {
    # A worker's tasks are handed out again ten seconds after it was last heard of. They must not
    # reach it after that.
    Channel.TASKS: _Tuning(1, codec.MAX_FRAME_BYTES, 16 * 1024, 2_000, 6_000),
    Channel.EVENTS: _Tuning(10_000, codec.MAX_HEADER_BYTES),
    Channel.CONTROL: _Tuning(100, codec.MAX_HEADER_BYTES),
    Channel.RESULTS: _Tuning(2, codec.MAX_FRAME_BYTES),  # each may hold large bodies
    Channel.COMMITS: _Tuning(10, codec.MAX_HEADER_BYTES),
}


def open_socket(
    context: Any,
    kind: int,
    channel: Channel,
    address: str,
    *,
    bind: bool = False,
    security: Security = NO_KEYS,
) -> Any:
    """Open a socket of this kind (zmq.PUSH, ...) and bind or connect it.

    Raises ConflictError if the address is in use, UsageError if it cannot be used.
    """
    socket = context.socket(kind)
    options = _options(kind, channel, address, bind=bind)
    options |= security.options(channel, bind=bind)
    for option, value in options.items():
        socket.setsockopt(option, value)
    if kind == zmq.SUB:
        socket.setsockopt(zmq.SUBSCRIBE, b"")
    security.watch(socket, channel, address)
    _join(socket, address, bind=bind)
    return socket


def _options(kind: int, channel: Channel, address: str, *, bind: bool) -> dict[int, Any]:
    tuning = _TUNING[channel]
    options: dict[int, Any] = {
        zmq.LINGER: _LINGER_MS,
        zmq.MAXMSGSIZE: tuning.max_frame_bytes,
        zmq.SNDHWM: tuning.high_water_mark,
        zmq.RCVHWM: tuning.high_water_mark,
    }
    if tuning.kernel_buffer_bytes:
        options |= {
            zmq.SNDBUF: tuning.kernel_buffer_bytes,
            zmq.RCVBUF: tuning.kernel_buffer_bytes,
        }
    if address.startswith("tcp:"):
        options |= {
            zmq.IPV6: 1,
            zmq.HEARTBEAT_IVL: tuning.ping_every_ms,
            zmq.HEARTBEAT_TIMEOUT: tuning.ping_timeout_ms,
        }
    if not bind:
        # On one host the roles start together, and each attempt costs next to nothing.
        first_ms, longest_ms = (10, 50) if address.startswith("ipc:") else (100, 2_000)
        options |= {zmq.RECONNECT_IVL: first_ms, zmq.RECONNECT_IVL_MAX: longest_ms}
    if kind == zmq.PUSH:
        options[zmq.IMMEDIATE] = 1
    elif kind == zmq.REQ:
        # A lost reply must not lock the socket; late answers to old requests are dropped.
        options |= {zmq.REQ_RELAXED: 1, zmq.REQ_CORRELATE: 1}
    return options


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
    """Send without waiting. Returns False if there is no peer, or no room."""
    try:
        socket.send_multipart(codec.encode(message, frame), zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def receive(
    socket: Any, security: Security = NO_KEYS, channel: Channel = Channel.EVENTS
) -> tuple[messages.AnyMessage, bytes] | None:
    """Return the next message that waits, with its frame; None if none waits.

    Drops malformed messages, and messages that their sender may not send. Returns None after many
    of these in a row, too, so that a peer that sends only such messages cannot keep the role busy.
    `channel` is the socket's; it matters only with keys.
    """
    for _ in range(_MAX_MALFORMED):
        try:
            sender, frames = _receive_frames(socket, channel, security)
        except zmq.Again:
            return None
        message = parse(frames) if frames else None
        if message is not None and security.vouches(sender, message[0], channel):
            return message
    return None


def receive_one(socket: Any, security: Security = NO_KEYS) -> list[bytes] | None:
    """Return the frames that wait at a REQ or REP socket; None if none wait.

    Returns [] for a message whose sender may not send: it has taken the turn to answer.
    """
    try:
        return _receive_frames(socket, Channel.COMMITS, security)[1]
    except zmq.Again:
        return None


def _receive_frames(socket: Any, channel: Channel, security: Security) -> tuple[str, list[bytes]]:
    """Return the sender ("" without keys) and the frames, [] if the sender may not send."""
    if not security.has_keys:
        return "", socket.recv_multipart(zmq.NOBLOCK)
    # Only a zmq.Frame carries the key of the connection that it came over.
    frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
    sender = security.sender(frames[0], channel)
    return sender, [frame.bytes for frame in frames] if sender else []


def parse(frames: list[bytes]) -> tuple[messages.AnyMessage, bytes] | None:
    """Decode a message and its frame; a malformed one is dropped and logged, and gives None."""
    try:
        return codec.decode(frames)
    except WireError as error:
        drop("malformed", f"a message: {error}")
        return None


class Dropped:
    """Counts the messages that this process dropped; logs whenever the count has doubled."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, reason: str, what: str) -> None:
        """Count one dropped message; `reason` is a key of telemetry.drops.DROPPED."""
        self.count += 1
        drops.DROPPED[reason] += 1
        # Peers may send them by the thousand, and the log must not fill the disk.
        if self.count.bit_count() == 1:
            log.warning("dropped %s (%d dropped so far)", what, self.count)


drop: Final = Dropped()
