"""The distribution: its name, its optional libraries, and what hints tell people to install."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

from fetcher import optional
from support.jobs import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
EXTRAS = SETUP["options.extras_require"]


def test_hints_have_the_lower_bounds_of_the_extras() -> None:
    listed = [
        each
        for extra in ("celery", "crawl", "dask", "ray", "spark", "web", "parquet")
        for each in EXTRAS[extra].split()
    ]
    assert sorted(listed) == sorted(optional.REQUIREMENTS.values())


def test_no_text_tells_anybody_to_install_the_package_of_a_stranger() -> None:
    """`fetcher` in the public index is another program."""
    assert SETUP["metadata"]["name"] == "bulk-fetcher"
    wrong = re.compile(r"(?<![\w/.-])fetcher\[|pip3? install (-\S+ )*'?fetcher\b")
    found = [path for path in _texts() if wrong.search(path.read_text("utf-8"))]
    assert found == []


def _texts() -> Iterator[Path]:
    for folder in ("fetcher", "tools", "docs", "conf", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in {".py", ".md", ".toml", ".service", ""}:
                yield path
    yield from (*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "setup.cfg")


def test_make_run_installs_what_the_readme_uses() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (recipe,) = re.findall(r"^\$\(VENV\)/\.installed:.*\n\t(.*)$", makefile, re.M)
    assert recipe.endswith("-e '.[crawl,web,parquet]'")
