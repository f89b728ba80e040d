"""Serve the demo site. Says `ready URL` in one line, then answers.

Leaves quietly at SIGINT, at SIGTERM, and with `--until-eof` when its standard
input ends, so that it never outlives its parent.
"""

import argparse
import asyncio
import gc
import importlib
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.site.demo import demo_lines
from tools.site.server import Site

_BACKLOG = 4096
"""Connections that may wait to be accepted, as far as the system allows."""

_GARBAGE_AFTER = 50_000
"""New objects between two garbage collections; the server makes no cycles of its own."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 for any free one")
    parser.add_argument("--pages", type=int, default=3000, help="pages on the list (%(default)s)")
    parser.add_argument("--urls", type=Path, metavar="FILE", help="write the demo's list here")
    parser.add_argument("--until-eof", action="store_true", help="leave when stdin ends")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of every answer")
    return parser


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets us have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's when it is there, else the standard one."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop]
        factory = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return factory


def _call_at_eof(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Watch standard input in a thread: unlike a poll, it can be a file or a terminal too."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(callback)

    threading.Thread(target=watch, name="until-eof", daemon=True).start()


def _complain(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One line for what the loop could not handle; the site goes on."""
    print(f"site: {context['message']}: {context.get('exception')!r}", file=sys.stderr)


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_complain)
    # It warns of writes to clients that have just left, which is normal here.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    leave = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave.set)
    site = Site(options.latency_ms / 1000)
    server = await loop.create_server(site.connection, options.host, options.port, backlog=_BACKLOG)
    port = server.sockets[0].getsockname()[1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    base = f"http://{host}:{port}"
    if options.urls is not None:
        lines = demo_lines(base, options.pages)
        options.urls.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if options.until_eof:
        _call_at_eof(loop, leave.set)
    print(f"ready {base}", flush=True)
    await leave.wait()
    server.close()
    site.drop_all()
    await asyncio.sleep(0)


def main() -> int:
    """Run the site until a signal ends it. Returns 1 if it cannot listen."""
    options = _parser().parse_args()
    _raise_file_limit()
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(options))
    except OSError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
