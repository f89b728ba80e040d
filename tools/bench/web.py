"""What the speed benchmark fetches from: a server with a core of its own, and its names.

nginx where it is installed, as the fastest clients outrun any server in Python; else the local
site, without TLS. Certificates and names are made here; nothing leaves the loopback.
"""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tools.bench.processes import Fleet, pin
from tools.certificates import Authority
from tools.ports import free_ports

DOMAIN: Final = "bench.test"
_START_S: Final = 10.0
# Without this line, nginx started by root serves as a user who may not read our directory.
_CONFIG: Final = """\
user {user}; daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
worker_rlimit_nofile 65536;
events {{ worker_connections 30000; }}
http {{
  access_log {log}; keepalive_requests 1000000000; default_type text/html; open_file_cache max=100;
  client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
  uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
{upstream}
  server {{
    listen 127.0.0.1:{tls_port} ssl backlog=8192; listen {port} backlog=8192; {content}
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_session_tickets off; ssl_session_cache off;
  }}
}}
"""
_PAGES: Final = "root {dir}/pages;"
_UPSTREAM: Final = "upstream site {{ server 127.0.0.1:{site}; keepalive 4096; }}"
_PROXY: Final = """\
location / {
    proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $http_host; proxy_redirect off; proxy_buffering on;
  }"""


def has_nginx() -> bool:
    """Whether there is one to start."""
    return shutil.which("nginx") is not None


class Web:
    """nginx for the length of a `with` block, with /1000 and /20000 (bytes), plain and TLS.

    `site`: the port of a server that gives its answers in place of these; `log`: a file for what is
    requested. It also serves what is in the folder `pages` already.
    """

    def __init__(self, directory: Path, core: int, site: int = 0, log: Path | None = None) -> None:
        self._log = log
        self._dir = directory
        self._site = site
        self._core = core
        self.port, self.tls_port = free_ports(1), free_ports(1)
        authority = Authority(directory)
        self.ca_file = authority.ca_file
        self._certificate, self._key = authority.issue([f"*.{DOMAIN}"])

    def __enter__(self) -> Self:
        (self._dir / "pages").mkdir(exist_ok=True)
        for size in (1000, 20_000):
            (self._dir / "pages" / str(size)).write_bytes(b"x" * size)
        config = self._dir / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                dir=self._dir,
                user=getpass.getuser(),
                port=self.port,
                tls_port=self.tls_port,
                certificate=self._certificate,
                key=self._key,
                log=self._log or "off",
                upstream=_UPSTREAM.format(site=self._site) if self._site else "",
                content=_PROXY if self._site else _PAGES.format(dir=self._dir),
            ),
            "utf-8",
        )
        nginx = shutil.which("nginx")
        assert nginx is not None
        self._process = subprocess.Popen(
            [nginx, "-c", config, "-e", self._dir / "error.log"], process_group=0
        )
        # Before it has a child, which then has the same core.
        pin(self._core, self._process.pid)
        try:
            _await_port(self.port)
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
        self._process.terminate()
        self._process.wait()


def start_names(fleet: Fleet, core: int, late_ms: float = 0) -> int:
    """A name server that says 127.0.0.1 (see tools.bench.names); its port."""
    port = free_ports(1, socket.SOCK_DGRAM)
    late = (late_ms,) if late_ms else ()
    process = fleet.start("-m", "tools.bench.names", port, *late, core=core, piped=True)
    assert process.stdout is not None
    process.stdout.readline()
    return port


def _await_port(port: int) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
