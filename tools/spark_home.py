"""A home of Spark in another folder, for its `local-cluster`.

The workers of a `local-cluster` write to `work` in SPARK_HOME, which no setting of Spark changes.
Without SPARK_HOME, that is the folder of the package pyspark.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path


def linked_home(folder: Path) -> Path:
    """Make `folder` a SPARK_HOME with links to the files of pyspark. Raises ModuleNotFoundError."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'pyspark'", name="pyspark")
    folder.mkdir()
    for each in Path(found.origin).parent.iterdir():
        if each.name != "work":
            (folder / each.name).symlink_to(each)
    return folder
