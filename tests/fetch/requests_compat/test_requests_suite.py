"""The tests of requests itself, those of the very version that is installed, over our adapter.

They come from its source distribution, and what they need into a folder of its own; where there is
no package index the test is skipped. What differs, and is meant to, is listed in DIFFERENT.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.jobs import ENV

NEEDED = Path(__file__).with_name("requests_suite.txt")
# Test -> why it fails. One that passes has to leave.
DIFFERENT = {
    "test_requests.TestPreparingURLs"
    "::test_different_connection_pool_for_tls_settings_verify_True": (
        "counts the connection pools of urllib3; libcurl's connections are kept apart by it"
    ),
    "test_requests.TestPreparingURLs"
    "::test_different_connection_pool_for_tls_settings_verify_bundle_expired_cert": (
        "counts the connection pools of urllib3"
    ),
    "test_requests.TestPreparingURLs"
    "::test_different_connection_pool_for_tls_settings_verify_bundle_unexpired_cert": (
        "counts the connection pools of urllib3"
    ),
}
# They connect to an address beyond this machine that does not answer; test_timeouts.py has our own.
NOT_RUN = ("test_connect_timeout", "test_total_timeout_connect")
LEAST_PASSED = 600
# Most of the others are about what requests does before and after its adapter.
OF_ADAPTERS = "lowlevel or redirect or cookie or stream or chunked or certificate or POSTBIN"
LEAST_PASSED_OF_ADAPTERS = 50


def _pip(*arguments: object) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            *map(str, arguments),
        ],
        check=False,
        capture_output=True,
        timeout=120,
    )
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        pytest.skip(f"no package index that has requests' own tests: {last}")


@pytest.fixture(scope="module")
def suite(pytestconfig: pytest.Config) -> tuple[Path, Path]:
    """The folder of the unpacked sources, and that of what they need."""
    version = importlib.metadata.version("requests")
    cache = pytestconfig.cache.mkdir(f"requests-{version}")
    sources, needed = cache / f"requests-{version}", cache / "needed"
    if not (cache / "is-whole").exists():
        _pip("install", "--no-deps", "--upgrade", "--target", needed, "--requirement", NEEDED)
        _pip(
            *("download", "--no-deps", "--no-binary", "requests", "--dest", cache),
            f"requests=={version}",
        )
        with tarfile.open(next(cache.glob("requests-*.tar.gz"))) as archive:
            archive.extractall(cache, filter="data")
        (cache / "is-whole").touch()
    if not (sources / "tests").is_dir():
        pytest.skip("the source distribution of requests has no tests")
    return sources, needed


def _environment(needed: Path) -> dict[str, str]:
    environment = {
        name: value
        for name, value in ENV.items()
        if not name.lower().endswith("_proxy") and not name.startswith("PYTEST_")
    }
    environment["PYTHONPATH"] = os.pathsep.join((str(needed), ENV["PYTHONPATH"]))
    return environment


def _results(report: Path) -> Iterator[tuple[str, str]]:
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        failed = kinds & {"failure", "error"}
        yield name, "failed" if failed else "skipped" if "skipped" in kinds else "passed"


def _run(
    suite: tuple[Path, Path], report: Path, chosen: str, processes: int
) -> tuple[dict[str, str], str]:
    """How each of the tests that are chosen (an expression of pytest's) ended, and the output."""
    sources, needed = suite
    unwanted = "".join(f" and not {name}" for name in NOT_RUN)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests", "-p", "support.requests_suite"),
            *(
                "-q",
                f"-n{processes}",
                "--tb=short",
                "-p",
                "no:cacheprovider",
                f"--junitxml={report}",
            ),
            *("-k", f"({chosen}){unwanted}"),
        ],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=sources,
        env=_environment(needed),
        timeout=900,
    )
    said = done.stdout.decode("utf-8", "replace")[-8000:]
    assert report.exists(), said
    return dict(_results(report)), said


@pytest.mark.slow
def test_requests_own_tests_pass_over_our_adapter(suite: tuple[Path, Path], tmp_path: Path) -> None:
    results, said = _run(suite, tmp_path / "report.xml", "test_", processes=2)
    failed = {name for name, how in results.items() if how == "failed"}
    assert failed == set(DIFFERENT), said
    assert sum(how == "passed" for how in results.values()) >= LEAST_PASSED


def test_its_tests_of_what_an_adapter_does_pass(suite: tuple[Path, Path], tmp_path: Path) -> None:
    results, said = _run(suite, tmp_path / "report.xml", OF_ADAPTERS, processes=0)
    assert not [name for name, how in results.items() if how == "failed"], said
    assert sum(how == "passed" for how in results.values()) >= LEAST_PASSED_OF_ADAPTERS
