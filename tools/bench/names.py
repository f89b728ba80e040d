"""`python -m tools.bench.names PORT`: a name server that says 127.0.0.1 to every question.

It makes its answers by hand, as a name server must not be what is measured.
"""

import socket
import sys

_FLAGS_AND_COUNTS = b"\x81\x80\x00\x01\x00%c\x00\x00\x00\x00"
_ADDRESS = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"


def answer(question: bytes) -> bytes:
    """The answer's bytes: an address to A, and nothing to other types."""
    end = question.index(b"\0", 12) + 5
    is_a = question[end - 4 : end - 2] == b"\0\1"
    head = question[:2] + _FLAGS_AND_COUNTS % is_a
    return head + question[12:end] + (_ADDRESS if is_a else b"")


def main() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    while True:
        question, peer = server.recvfrom(4096)
        server.sendto(answer(question), peer)


if __name__ == "__main__":
    main()
