"""A site of one's own for the length of a `with` block.

The site is a process that watches a pipe from us: it leaves when the block ends,
and also when we die without ending it.
"""

import http.client
import json
import os
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 20.0
_LEAVE_SECONDS = 5.0
_ASK_SECONDS = 30.0


class RunningSite:
    """`with RunningSite() as site:` starts a site on a free loopback port."""

    base: str
    """`http://127.0.0.1:PORT`, without a slash at the end."""

    pid: int
    """The process id of the site."""

    def __init__(
        self, *, latency_ms: float = 0, pages: int = 3000, urls: Path | str | None = None
    ) -> None:
        self._arguments = ["--until-eof", f"--latency-ms={latency_ms}", f"--pages={pages}"]
        if urls is not None:
            self._arguments.append(f"--urls={Path(urls).resolve()}")

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.site", *self._arguments],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            process_group=0,  # a Ctrl-C for us is not for the site: it leaves when we say so
        )
        self.pid = self._process.pid
        try:
            self.base = self._ready_line().removeprefix("ready ")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        process.terminate()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, self._errors):
            assert pipe is not None
            pipe.close()

    @property
    def port(self) -> int:
        """The port that the site listens on."""
        port = urlsplit(self.base).port
        assert port is not None
        return port

    def url(self, path: str) -> str:
        """The URL of a path, which begins with a slash."""
        return self.base + path

    def hits(self) -> dict[str, int]:
        """Requests so far by target, path and query as they were sent."""
        return dict(self._ask("/_hits"))

    def stats(self) -> dict[str, int]:
        """The totals: `requests`, `open`, `peak_open`, `connections`."""
        return dict(self._ask("/_stats"))

    def reset(self) -> None:
        """Count anew."""
        self._ask("/_reset")

    def errors(self) -> str:
        """The site's standard error; empty if it had no error."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")

    def _ready_line(self) -> str:
        """The first line of the site's output; RuntimeError when it does not come."""
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            line = output.readline().decode().strip() if selector.select(_START_SECONDS) else ""
        if not line.startswith("ready "):
            raise RuntimeError(f"the site did not start: {self.errors().strip() or 'no answer'}")
        return line

    def _ask(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ASK_SECONDS)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return json.load(connection.getresponse())
        finally:
            connection.close()
