"""The documents about the inside name files, functions and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support import jobs

PAGES = {
    name: (jobs.ROOT / name).read_text("utf-8")
    for name in ("docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md")
}
# What CONTRIBUTING says of a file: "`RETRYABLE` in `fetcher/input/selection.py`".
_NAME_IN_FILE = re.compile(r"`([\w.]+)` (?:in|of)\s+`((?:fetcher|tests)/[\w/]+\.py)`")
_PATH = re.compile(r"`((?:fetcher|tests|tools|docs|conf)/[\w./-]*)(?:::(\w+))?`")


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


def names_of(path: Path) -> set[str]:
    """What a file defines at its top; the fields of a section of settings as `section.key`."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
        if isinstance(node, ast.ClassDef):
            fields = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
            names |= {f"{node.name.lower()}.{ast.unparse(field)}" for field in fields}
    return names


@pytest.mark.parametrize(("name", "path"), _NAME_IN_FILE.findall(PAGES["CONTRIBUTING.md"]))
def test_what_contributing_names_in_a_file_is_defined_there(name: str, path: str) -> None:
    assert name in names_of(jobs.ROOT / path)


def answers() -> list[tuple[str, str]]:
    """File and name of each function, class or table of the map."""
    section = (
        PAGES["docs/architecture.md"].partition("## Where to find it")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| (?!question|---).*? \| `(.*?)` \| (.*) \|$", section, re.M)
    assert len(rows) > 40
    return [(path, name) for path, cell in rows for name in re.findall(r"`([\w.]+)`", cell)]


def definitions(path: Path) -> dict[str, ast.AST]:
    """What a file defines itself: `name` and, of methods, `Class.name` too; no imported names."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.ClassDef():
                found[node.name] = node
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                found |= {each.name: each for each in methods}
                found |= {f"{node.name}.{each.name}": each for each in methods}
            case ast.FunctionDef():
                found[node.name] = node
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
    return found


def only_passes_on(node: ast.AST) -> bool:
    """Whether the function only calls a method of another object: that one acts."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [
        each
        for each in node.body
        if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
    if len(body) != 1:
        return False
    match body[0]:
        case ast.Return(value=ast.Call(func=ast.Attribute(value=ast.Attribute()))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute()))):
            return True
    return False


@pytest.mark.parametrize(("path", "name"), answers())
def test_each_name_of_the_map_is_defined_in_its_file_and_acts_itself(path: str, name: str) -> None:
    defined = definitions(jobs.ROOT / path)
    assert name in defined, "it is not defined in this file"
    assert not only_passes_on(defined[name]), "it only calls another function: name that one"


def test_a_function_that_only_passes_a_call_on_is_not_taken_for_the_one_that_acts() -> None:
    ledger = definitions(jobs.ROOT / "fetcher" / "leases" / "ledger.py")
    assert only_passes_on(ledger["Ledger.take"])
    assert not only_passes_on(ledger["Ledger.tick"])


def test_each_claim_of_the_promise_has_a_test() -> None:
    section = PAGES["docs/architecture.md"].partition("## The promise")[2].partition("\n## ")[0]
    claims = re.findall(r"^\| (?!claim|---)(.*?) \| .* \| (.*) \|$", section, re.M)
    assert len(claims) > 15
    assert [claim for claim, test in claims if not _PATH.fullmatch(test)] == []


def test_each_room_is_in_the_picture_of_the_layers() -> None:
    rooms = {path.parent.name for path in (jobs.ROOT / "fetcher").glob("*/__init__.py")}
    section = PAGES["docs/architecture.md"].partition("## Rooms")[2].partition("\n## ")[0]
    assert rooms - set(re.findall(r"\w+", section)) == set()
