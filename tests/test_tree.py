"""The tests mirror the package: each module with logic has a test file of the same name.

Other modules are in the table tested_elsewhere.txt, one a line: `module: test file (why there)`.
"""

from __future__ import annotations

import graphlib
import re
from pathlib import Path

import grimp
import pytest

from support import tree

_TABLE = tree.TESTS / "tested_elsewhere.txt"
_LINES = _TABLE.read_text("utf-8").splitlines()
_LINE = re.compile(r"(?P<module>\S+\.py): (?P<test>\S+\.py) \((?P<why>.+)\)")
_MOST_LINES = 400
TESTED_ELSEWHERE = {
    found["module"]: found["test"] for line in _LINES if (found := _LINE.fullmatch(line))
}


def test_each_module_with_logic_has_a_test_file_of_its_own_or_is_in_the_table() -> None:
    modules = tree.modules_with_logic()
    wanted = {each: tree.TESTS / tree.mirrored(each) for each in modules}
    missing = [
        each for each in modules if each not in TESTED_ELSEWHERE and not wanted[each].exists()
    ]
    assert not missing, f"write their tests, or say in {_TABLE.name} which files test them"
    not_used = [
        str(wanted[each])
        for each in modules
        if each not in TESTED_ELSEWHERE and not _uses(wanted[each], each)
    ]
    assert not not_used, "these test files do not use the modules whose names they have"


def test_no_module_in_the_table_has_a_test_file_of_its_own() -> None:
    both = [each for each in TESTED_ELSEWHERE if (tree.TESTS / tree.mirrored(each)).exists()]
    assert not both, f"remove these from {_TABLE.name}"


def test_the_files_that_the_table_names_use_the_modules() -> None:
    assert not [each for each in TESTED_ELSEWHERE if not (tree.PACKAGE / each).exists()]
    not_used = [
        f"{module}: {test}"
        for module, test in TESTED_ELSEWHERE.items()
        if not (tree.TESTS / test).exists() or not _uses(tree.TESTS / test, module)
    ]
    assert not not_used, "these test files do not exist or do not use the module"


def _uses(test: Path, module: str) -> bool:
    return tree.reaches(test, module) or tree.starts_the_program(test)


def test_no_module_of_the_package_has_more_than_400_lines() -> None:
    modules = [each for each in tree.PACKAGE.rglob("*.py") if "vendor" not in each.parts]
    assert len(modules) > 100
    lines = {str(each): len(each.read_text("utf-8").splitlines()) for each in modules}
    too_long = [each for each, count in lines.items() if count > _MOST_LINES]
    assert not too_long, "move one of their jobs into a file of its own"


def test_each_line_of_the_table_can_be_read_and_they_are_sorted() -> None:
    assert not [line for line in _LINES if not _LINE.fullmatch(line)]
    assert sorted(TESTED_ELSEWHERE) == [line.partition(":")[0] for line in _LINES]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return given", False),
        ("return other(given).name", False),
        ("found: int | None = given\n    return found", False),
        ("return given + 1", True),
        ("return given if given else 0", True),
        ("return [each for each in given]", True),
        ("for each in given:\n        other(each)", True),
        ("try:\n        other(given)\n    except OSError:\n        pass", True),
    ],
)
def test_logic_is_a_branch_or_a_computation(body: str, expected: bool) -> None:
    assert tree.has_logic(f"def this(given: int | None) -> int | None:\n    {body}\n") == expected


def test_declarations_are_not_logic() -> None:
    assert not tree.has_logic("LIMIT = 1 << 20\nclass Row:\n    url: str | None = None\n")


def test_a_file_that_imports_nothing_of_the_package_does_not_use_a_module() -> None:
    alone = tree.TESTS / "tools" / "test_disk_errors.py"
    assert not tree.reaches(alone, "leases/poison.py")
    assert tree.reaches(tree.TESTS / "leases" / "test_poison.py", "leases/poison.py")


@pytest.mark.parametrize("package", ["fetcher", "tools"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    """Imports inside functions and for types alone count, too."""
    graph = grimp.build_graph(package)
    imported = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    assert len(imported) > 50
    graphlib.TopologicalSorter(imported).prepare()  # raises CycleError, which names the circle
