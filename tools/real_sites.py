"""`python -m tools.real_sites [FOLDER ...]`: do crawlers find the same pages of a real site?

nginx serves each folder of documents, by default Debian's documentation packages. `fetcher crawl`,
`wget -r` and Scrapy's CrawlSpider crawl it, each at a port of its own, whose log says what was
requested. wget also fetches what pages show, so it is compared with `--assets`. Exit code 1: a
page was found by the one and not by the other.
"""

from __future__ import annotations

import argparse
import getpass
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tools.bench.processes import Fleet, require_success
from tools.ports import free_ports

SITES: Final = {
    "python3-doc": Path("/usr/share/doc/python3.11/html"),
    "debian-reference": Path("/usr/share/debian-reference"),
    "openjdk-17-doc": Path("/usr/share/doc/openjdk-17-jre-headless"),
}
_LIMIT_S: Final = 3600.0
_SHOWN: Final = 20  # differences of a comparison
_OF_ROBOTS: Final = frozenset({"/robots.txt", "/sitemap.xml"})
# Without `user`, nginx started by root serves as a user who may not read all folders.
_CONFIG: Final = """\
user {user}; daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types; default_type application/octet-stream;
  log_format requests '$status $request_uri'; keepalive_requests 100000;
  client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
  uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
{servers}
}}
"""
_SERVER: Final = """\
  server {{
    listen 127.0.0.1:{port}; root {root}; index index.html index.en.html;
    access_log {log} requests;
  }}
"""


class Crawl(NamedTuple):
    """What a program requested: the targets with their statuses, and how often each."""

    statuses: dict[str, str]
    counts: Counter[str]
    took_s: float

    @property
    def pages(self) -> set[str]:
        return set(self.statuses) - _OF_ROBOTS


Command = Callable[[str, Path], list[object]]
_OURS: Final = (sys.executable, "-m", "fetcher", "crawl")
_OPTIONS: Final = ("--own-servers", "--workers=1", "--quiet", "--depth=100000")


def _fetcher(seed: str, folder: Path) -> list[object]:
    return [*_OURS, seed, "-o", folder / "out", *_OPTIONS]


def _fetcher_assets(seed: str, folder: Path) -> list[object]:
    return [*_fetcher(seed, folder), "--assets"]


def _wget(seed: str, folder: Path) -> list[object]:
    return ["wget", "-r", "-l", "inf", "-q", "-P", folder / "files", seed]


def _scrapy(seed: str, folder: Path) -> list[object]:
    seeds = folder / "seed"
    seeds.write_text(seed, "ascii")
    module = "tools.bench.peers.crawl_spider"
    return [sys.executable, "-m", module, seeds, folder / "count", "--pool=16"]


PROGRAMS: Final[dict[str, Command]] = {
    "fetcher": _fetcher,
    "fetcher --assets": _fetcher_assets,
    "Scrapy": _scrapy,
    "wget -r": _wget,
}
_COMPARED: Final = (("fetcher", "Scrapy"), ("fetcher --assets", "wget -r"))


def crawls_of(root: Path, folder: Path) -> dict[str, Crawl]:
    """Each installed program's crawl of the site in `root`; files go to `folder`."""
    found: dict[str, Crawl] = {}
    first = free_ports(len(PROGRAMS))
    programs = dict(zip(PROGRAMS, range(first, first + len(PROGRAMS)), strict=True))
    logs = {name: folder / f"{port}.log" for name, port in programs.items()}
    servers = [_SERVER.format(port=programs[n], root=root, log=logs[n]) for n in programs]
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(user=getpass.getuser(), dir=folder, servers="".join(servers)), "utf-8"
    )
    with Fleet() as fleet:
        fleet.start("-c", config, "-e", folder / "error.log", program=str(shutil.which("nginx")))
        for name, port in programs.items():
            if name.startswith("wget") and shutil.which("wget") is None:
                continue
            work = folder / str(port)
            work.mkdir()
            began = time.monotonic()
            program, *words = PROGRAMS[name](f"http://127.0.0.1:{port}/", work)
            code = fleet.wait(fleet.start(*words, program=str(program)), _LIMIT_S)
            # 8: the server answered some request with an error, as of a link that is dead.
            require_success(0 if name.startswith("wget") and code == 8 else code, name)
            found[name] = _crawl(logs[name], time.monotonic() - began)
            shutil.rmtree(work)
    return found


def _crawl(log: Path, took_s: float) -> Crawl:
    lines = [line.split(" ", 1) for line in log.read_text("utf-8").splitlines()]
    statuses = {target: status for status, target in lines}
    return Crawl(statuses, Counter(target for _, target in lines), took_s)


def _show(name: str, crawl: Crawl) -> None:
    twice = sum(count > 1 for count in crawl.counts.values())
    bad = sum(crawl.statuses[page] >= "400" for page in crawl.pages)
    print(
        f"{name:<18}{len(crawl.pages):>7,} URLs, of which {bad} are errors; "
        f"{twice} requested again; {crawl.took_s:.1f} s",
        flush=True,
    )


def _differences(one: str, other: str, crawls: dict[str, Crawl]) -> int:
    count = 0
    for name, rival in ((one, other), (other, one)):
        alone = sorted(crawls[name].pages - crawls[rival].pages)
        count += len(alone)
        if alone:
            print(f"{len(alone)} that {name} requested and {rival} did not:")
        for target in alone[:_SHOWN]:
            print(f"  {crawls[name].statuses[target]} {target}")
    if not count:
        print(f"{one} and {other} requested the same URLs")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.real_sites", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    given = parser.parse_args()
    sites = {str(folder): folder for folder in given.folders} or SITES
    differences = 0
    for title, root in sites.items():
        if not root.exists():
            print(f"{title}: left out, as it is not installed")
            continue
        print(f"\n{title} ({root})")
        with tempfile.TemporaryDirectory(prefix="sites-") as name:
            crawls = crawls_of(root.resolve(), Path(name))
        for program, crawl in crawls.items():
            _show(program, crawl)
        for one, other in _COMPARED:
            if one in crawls and other in crawls:
                differences += _differences(one, other, crawls)
    return bool(differences)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"a crawl failed: {error}")
