"""A name server on 127.0.0.1: tests set its answer to each name, and it counts questions."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord

from support import forking, jobs


@dataclass(frozen=True)
class Answer:
    """The answer to a question; without addresses or a code it is "no address"."""

    addresses: tuple[str, ...] = ()
    code: str = "NOERROR"
    after_s: float = 0.0
    aliases: tuple[str, ...] = ()
    ttl: int = 0
    truncated: bool = False
    garbage: bool = False


# Instead of an Answer: nothing is answered.
DROP = None
NO_NAME = Answer(code="NXDOMAIN")
BROKEN = Answer(code="SERVFAIL")


def at(*addresses: str, **more: Any) -> Answer:
    """These addresses."""
    return Answer(addresses, **more)


# By name and type.
Zone = Mapping[tuple[str, str], Sequence[Answer | None]]


@dataclass
class NameServer:
    """`zone` has, by (name, type), the answers to the first question, the second and so on; the
    last one repeats. What is not in it: no such name; or "*", what any other name gets."""

    zone: Zone
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    over_tcp: int = 0
    port: int = 0
    asked_from: Counter[int] = field(default_factory=Counter)  # UDP ports of questions

    def answer(self, packet: bytes, tcp: bool) -> tuple[bytes, float] | None:
        """The packet to send back and after how many seconds, or None."""
        request = DNSRecord.parse(packet)
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        answers = self.zone.get((name, kind)) or self.zone.get(("*", kind)) or [NO_NAME]
        number = self.asked[name, kind]
        self.asked[name, kind] += 1
        answer = answers[min(number, len(answers) - 1)]
        if answer is None:
            return None
        reply = request.reply()
        reply.header.rcode = getattr(RCODE, answer.code)
        if answer.truncated and not tcp:
            reply.header.tc = 1
            return reply.pack(), answer.after_s
        if answer.garbage:
            return reply.pack()[:12] + b"\xff" * 40, answer.after_s
        owner = name
        for alias in answer.aliases:
            reply.add_answer(RR(owner, QTYPE.CNAME, rdata=CNAME(alias), ttl=answer.ttl))
            owner = alias
        for address in answer.addresses:
            data = AAAA(address) if kind == "AAAA" else A(address)
            reply.add_answer(RR(owner, request.q.qtype, rdata=data, ttl=answer.ttl))
        return reply.pack(), answer.after_s


@contextlib.contextmanager
def name_server(zone: Zone) -> Iterator[NameServer]:
    """A running name server."""
    server = NameServer(zone)
    udp, tcp = _sockets()
    server.port = udp.getsockname()[1]
    threads = [
        threading.Thread(target=_serve_udp, args=(server, udp), daemon=True),
        threading.Thread(target=_serve_tcp, args=(server, tcp), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for sock in (udp, tcp):
            # Wakes the thread that is blocked on it, which a close alone does not.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in threads:
            thread.join(60)


def _sockets() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one free port."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp


def _serve_udp(server: NameServer, sock: socket.socket) -> None:
    def send(packet: bytes, peer: Any) -> None:
        with contextlib.suppress(OSError):
            sock.sendto(packet, peer)

    while True:
        try:
            packet, peer = sock.recvfrom(4096)
        except OSError:
            return
        if not packet:
            return
        server.asked_from[peer[1]] += 1
        answer = server.answer(packet, tcp=False)
        if answer is None:
            continue
        if answer[1]:
            timer = threading.Timer(answer[1], send, (answer[0], peer))
            timer.daemon = True
            timer.start()
        else:
            send(answer[0], peer)


def _serve_tcp(server: NameServer, sock: socket.socket) -> None:
    while True:
        try:
            peer, _ = sock.accept()
        except OSError:
            return
        with peer, peer.makefile("rwb") as stream:
            head = stream.read(2)
            if len(head) < 2:
                continue
            server.over_tcp += 1
            answer = server.answer(stream.read(struct.unpack(">H", head)[0]), tcp=True)
            if answer is not None:
                stream.write(struct.pack(">H", len(answer[0])) + answer[0])


@dataclass(frozen=True)
class Resolved:
    """The result for one host: its addresses, or the failure's outcome and words."""

    addresses: tuple[str, ...]
    outcome: str | None
    error: str | None
    took_s: float


class Resolving:
    """The results of the steps, in order, and facts about the process after the last."""

    def __init__(self, steps: list[list[Resolved]], facts: dict[str, Any]) -> None:
        self.steps = steps
        self.facts = facts

    def only(self) -> Resolved:
        """The one result there is."""
        ((result,),) = self.steps
        return result


def resolve(  # what `Resolver` takes, and the steps
    *steps: dict[str, Any] | list[str] | str,
    servers: list[str],
    ip_version: str = "any",
    ipv6: bool = True,
    **dns: Any,
) -> Resolving:
    """Take these steps with one resolver, in a patched process of its own; see resolving_main."""
    orders = [
        step if isinstance(step, dict) else {"resolve": [step] if isinstance(step, str) else step}
        for step in steps
    ]
    order = {
        "dns": {"servers": servers, **dns},
        "ip_version": ip_version,
        "ipv6": ipv6,
        "steps": orders,
    }
    done = forking.call(
        "support.resolving_main",
        stdin=json.dumps(order).encode(),
        environ=jobs.ENV,
        folder=jobs.ROOT,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    *lines, facts = map(json.loads, done.stdout.splitlines())
    return Resolving([[Resolved(tuple(a), *more) for a, *more in line] for line in lines], facts)
