"""The modules of the package, the tests of the same name, and what a file imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "fetcher"
TESTS: Final = ROOT / "tests"
_NAMED: Final = re.compile(r"\b(?:fetcher|support)(?:\.\w+)+")
_LAZY: Final = re.compile(r"(?P<module>\w+):\w+")  # of a command; see cli.main
_FROM: Final = re.compile(r"\bfrom (fetcher[.\w]*) import ([\w, ]+)")
# What makes a function more than a call or a value that it hands on.
_LOGIC: Final = (
    ast.AugAssign,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.For,
    ast.AsyncFor,
    ast.If,
    ast.IfExp,
    ast.Match,
    ast.Try,
    ast.While,
    ast.comprehension,
)


def has_logic(source: str) -> bool:
    """Whether a function of this module branches or computes."""
    return any(
        isinstance(inner, _LOGIC)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        for inner in _code(statement)
    )


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, without annotations: `int | None` computes nothing."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def modules_with_logic() -> list[str]:
    """Their paths below the package: `leases/poison.py`."""
    return sorted(
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if has_logic(path.read_text("utf-8"))
    )


def mirrored(module: str) -> str:
    """The test file of a module's own: `leases/poison.py` -> `leases/test_poison.py`."""
    path = Path(module)
    return str(path.with_name(f"test_{path.stem.strip('_')}.py"))


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules this file imports, or names in a text that may be a program of its own."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                found.update(each.name for each in node.names)
            case ast.ImportFrom(module=str(module)):
                found.add(module)
                found.update(f"{module}.{each.name}" for each in node.names)
            case ast.Constant(value=str(text)):
                found.update(_NAMED.findall(text))
                if lazy := _LAZY.fullmatch(text):
                    folder = path.parent.relative_to(ROOT)
                    found.add(".".join([*folder.parts, lazy["module"]]))
                for module, names in _FROM.findall(text):
                    found.update(f"{module}.{name.strip()}" for name in names.split(","))
    return frozenset(found)


def starts_the_program(test: Path) -> bool:
    """Whether a test, or the support code it uses, starts `python -m fetcher…`."""
    return any('"-m", "fetcher' in path.read_text("utf-8") for path in _with_support(test))


def reaches(test: Path, module: str) -> bool:
    """Whether a test imports a module of the package, or a module that uses it.

    Imports are followed from what the test itself and its support code import, and from there
    within the module's room only: else each test would reach nearly everything.
    """
    wanted = PACKAGE / module
    if any(_file(name) == wanted for name in imported(test)):
        return True
    room = PACKAGE / Path(module).parts[0]
    direct = {name for path in _with_support(test) for name in imported(path)}
    found: set[Path] = set()
    waiting = [path for name in direct if (path := _file(name))]
    while waiting:
        path = waiting.pop()
        if path in found or PACKAGE not in path.parents:
            continue
        found.add(path)
        used = {file for name in imported(path) if (file := _file(name))}
        waiting += [each for each in used if each == wanted or room in each.parents]
    return wanted in found


def _with_support(test: Path) -> set[Path]:
    """A test file and all support code that it imports."""
    found: set[Path] = set()
    waiting = [test]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        named = (_file(name) for name in imported(path))
        waiting += [each for each in named if each and TESTS in each.parents]
    return found


@cache
def _file(module: str) -> Path | None:
    """The file of a module of the package or of support code."""
    top, *rest = module.split(".")
    if top not in {"fetcher", "support"} or not all(each.isidentifier() for each in rest):
        return None
    base = (ROOT if top == "fetcher" else TESTS).joinpath(top, *rest)
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((each for each in candidates if each.exists()), None)
