"""Crawlers find the same pages of a site that nginx serves, and differences are shown."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support.jobs import ROOT
from tools import real_sites
from tools.real_sites import Crawl


@pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("wget")), reason="needs nginx and wget"
)
def test_a_small_site_is_the_same_for_all_crawlers(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<a href="a/b.html#x">1</a><img src="i.png">', "ascii")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text('<a href="../">1</a><a href="gone.html">2</a>', "ascii")
    (tmp_path / "i.png").write_bytes(b"\x89PNG")
    done = subprocess.run(
        [sys.executable, "-m", "tools.real_sites", str(tmp_path)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("requested the same URLs") == 2
    assert "3 URLs, of which 1 are errors" in done.stdout


def test_a_page_that_one_crawler_alone_requested_is_a_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours = Crawl({"/": "200", "/a": "200"}, Counter(), 1.0)
    other = Crawl({"/": "200", "/robots.txt": "404"}, Counter(), 1.0)
    crawls = {"fetcher": ours, "Scrapy": other}
    assert real_sites._differences("fetcher", "Scrapy", crawls) == 1
    assert "200 /a" in capsys.readouterr().out
