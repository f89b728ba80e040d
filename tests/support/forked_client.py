"""`python -I -S forked_client.py NAME ARGUMENT…`: a call of a fork server, as a program.

NAME is its address without the first byte. The forked process has the streams, the environment and
the folder of this one, which passes signals on, and ends as it does. To start this takes a tenth of
the CPU time of the program itself: it imports nearly nothing.
"""

import json
import os
import signal
import socket
import sys

_PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_ANSWER_BYTES = 100


def main() -> int:
    """See the module docstring."""
    name, *arguments = sys.argv[1:]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(f"\0{name}")
        order = {
            "arguments": arguments,
            "environ": dict(os.environ),
            "blocked": [int(number) for number in blocked],
        }
        given = [0, 1, 2, os.open(".", os.O_RDONLY | os.O_DIRECTORY)]
        socket.send_fds(server, [json.dumps(order).encode()], given)
        pid = int(server.recv(_ANSWER_BYTES))
        for number in _PASSED_ON:
            signal.signal(number, lambda number, _: os.kill(pid, number))
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return int(server.recv(_ANSWER_BYTES))


if __name__ == "__main__":
    code = main()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
