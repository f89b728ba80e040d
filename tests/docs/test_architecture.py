"""The documents about the inside name files, functions and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import jobs

PAGES = {
    name: (jobs.ROOT / name).read_text("utf-8")
    for name in ("docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md")
}
_PATH = re.compile(r"`((?:fetcher|tests|tools|docs|conf)/[\w./-]*)(?:::(\w+))?`")
_ROW = re.compile(r"^\| [^|]+ \| `([\w/]+\.py)` \| (`\w+`(?:, `\w+`)*) \|$", re.M)


def has(path: Path, name: str) -> bool:
    """Whether a function or class of this name is defined there."""
    return (
        re.search(rf"^ *(?:async )?(?:def|class) {name}\b", path.read_text("utf-8"), re.M)
        is not None
    )


@pytest.mark.parametrize("page", PAGES)
def test_each_file_and_test_that_it_names_is_there(page: str) -> None:
    named = _PATH.findall(PAGES[page])
    assert len(named) > 10
    missing = [path for path, _ in named if not (jobs.ROOT / path).exists()]
    missing += [
        f"{path}::{name}" for path, name in named if name and not has(jobs.ROOT / path, name)
    ]
    assert missing == []


def test_each_function_that_a_question_leads_to_is_in_its_file() -> None:
    answers = _ROW.findall(PAGES["docs/architecture.md"])
    assert len(answers) > 20
    missing = [
        f"{path}: {name}"
        for path, names in answers
        for name in re.findall(r"\w+", names)
        if not has(jobs.ROOT / path, name)
    ]
    assert missing == []


def test_each_claim_of_the_promise_has_a_test() -> None:
    section = PAGES["docs/architecture.md"].partition("## The promise")[2].partition("\n## ")[0]
    claims = re.findall(r"^\| (?!claim|---)(.*?) \| .* \| (.*) \|$", section, re.M)
    assert len(claims) > 15
    assert [claim for claim, test in claims if not _PATH.fullmatch(test)] == []


def test_each_room_is_in_the_picture_of_the_layers() -> None:
    rooms = {path.parent.name for path in (jobs.ROOT / "fetcher").glob("*/__init__.py")}
    section = PAGES["docs/architecture.md"].partition("## Rooms")[2].partition("\n## ")[0]
    assert rooms - set(re.findall(r"\w+", section)) - {"net", "vendor"} == set()
