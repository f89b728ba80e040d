"""Real servers that end connections after a few requests: no row is lost, none asked for twice."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from fetcher.model import Outcome
from support.fetching import fetch
from support.waiting import wait_until
from tools.certificates import Authority
from tools.ports import free_ports

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CONF = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access; keepalive_requests {requests};
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{ return 200 "page"; }}
    }}
}}
"""


class Nginx(NamedTuple):
    port: int
    folder: Path

    def asked(self) -> Counter[str]:
        """Requests that were answered, by path."""
        lines = (self.folder / "access").read_text().splitlines()
        return Counter(line.split('"')[1].split()[1] for line in lines)


@contextmanager
def nginx(folder: Path, requests: int) -> Iterator[Nginx]:
    """An nginx that answers so many requests on a connection."""
    assert NGINX is not None
    certificate, key = Authority(folder).issue(["127.0.0.1"])
    port = free_ports(1)
    conf = folder / "nginx.conf"
    conf.write_text(
        CONF.format(folder=folder, port=port, requests=requests, certificate=certificate, key=key)
    )
    with subprocess.Popen(
        [NGINX, "-c", str(conf), "-p", str(folder), "-e", str(folder / "errors")],
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: _listens(port), what="nginx")
            yield Nginx(port, folder)
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("requests", [1, 3])
def test_nginx_with_few_requests_on_a_connection(
    tmp_path: Path, requests: int, http2: bool
) -> None:
    with nginx(tmp_path, requests) as server:
        paths = [f"/{number}" for number in range(400)]
        urls = [f"https://127.0.0.1:{server.port}{path}" for path in paths]
        done = fetch(urls, pool=40, verify_tls=False, http2=http2)
    assert [each for each in done.results if each.outcome is not Outcome.OK] == []
    assert server.asked() == Counter(paths)
