"""The recipes of docs/engines.md for data frames, each by its real engine."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.dataset
import pytest

from support import jobs
from tools.site.running import RunningSite

GUIDE = (jobs.ROOT / "docs" / "engines.md").read_text("utf-8")
RECIPES = dict(
    re.findall(r"^<!-- file: (\w+)_frames\.py -->\n```text\n(.*?)^```$", GUIDE, re.M | re.S)
)
LIBRARIES = {"ray": "ray", "dask": "distributed", "spark": "pyspark"}


def test_each_engine_has_a_recipe() -> None:
    assert set(RECIPES) == set(LIBRARIES)


@pytest.mark.slow
@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_recipe_fetches_each_url_once(engine: str, tmp_path: Path, site: RunningSite) -> None:
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"{LIBRARIES[engine]} is not installed: the recipe is NOT run")
    port = urlsplit(site.url("/")).port
    urls = [f"http://127.0.0.1:{port}/bytes/{n + 1}" for n in range(60)]
    jobs.write_urls(tmp_path / "urls.txt", urls)
    (tmp_path / "recipe.py").write_text(RECIPES[engine], "utf-8")
    env = {**jobs.ENV, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "recipe.py"],
        check=False,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found = pyarrow.dataset.dataset(tmp_path / "results", format="parquet").to_table()
    assert Counter(found["url"].to_pylist()) == Counter(urls)
    assert set(found["outcome"].to_pylist()) == {"ok"}
