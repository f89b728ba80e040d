"""Jobs on engines of this host, run from a checkout by a Python that has only the libraries."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from support import jobs
from support.engines import marked
from support.waiting import wait_until

_LIBRARIES = {"dask": "distributed", "ray": "ray", "spark": "pyspark"}


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python with the installed libraries, but without links to checkouts (`.pth` files)."""
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = folder / "lib" / name / "site-packages" / "libraries.pth"
    libraries.write_text(f"{sysconfig.get_path('purelib')}\n")
    found = subprocess.run(
        [folder / "bin" / "python", "-c", "import fetcher"], cwd="/", check=False
    )
    if found.returncode == 0:
        pytest.skip("fetcher itself is installed among the libraries")
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("engine", _LIBRARIES)
def test_slots_of_a_cluster_of_this_host_find_the_checkout(
    python: Path, tmp_path: Path, engine: str
) -> None:
    if importlib.util.find_spec(_LIBRARIES[engine]) is None:
        pytest.skip(f"{_LIBRARIES[engine]} is not installed: the engine {engine} is NOT tested")
    urls = jobs.write_urls(tmp_path / "urls.txt", [f"http://test.invalid/{n}" for n in range(50)])
    words = ("run", urls, "-o", tmp_path / "out", f"--engine={engine}", "--workers=1", "--quiet")
    settings = ("--set=worker.transport=null", "--set=engine.connect_s=120")
    with marked() as mark:
        environ = {**mark.environ, "PYTHONPATH": ""}
        done = subprocess.run(
            [python, "-m", "fetcher", *words, *settings],
            check=False,
            capture_output=True,
            text=True,
            cwd=jobs.ROOT,
            env=environ,
            timeout=240,
        )
        assert (done.returncode, done.stderr) == (0, "")
        wait_until(lambda: not mark.processes(), 30, "the end of all processes")
    jobs.prove(tmp_path / "out", urls)
