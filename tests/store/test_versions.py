"""The versions of packages, found without importlib.metadata."""

from __future__ import annotations

import importlib.metadata

import pytest

from fetcher.store.versions import version_of


@pytest.mark.parametrize("package", ["gevent", "requests", "pyzmq"])
def test_a_version_is_what_the_package_s_metadata_says(package: str) -> None:
    assert version_of(package) == importlib.metadata.version(package)


def test_a_package_that_is_not_installed_has_no_version() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        version_of("no-such-package")
