"""The versions of installed packages, without importing them."""

from __future__ import annotations

import sys
from pathlib import Path


def version_of(package: str) -> str:
    """The version of an installed package, by the name of its folder of metadata.

    importlib.metadata says the same, but loads fifty modules, among them `email`.
    """
    for folder in filter(None, sys.path):
        for path in Path(folder).glob(f"{package}-*.dist-info"):
            return path.stem.removeprefix(f"{package}-")
    import importlib.metadata  # noqa: PLC0415

    return importlib.metadata.version(package)
