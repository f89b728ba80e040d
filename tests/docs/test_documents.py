"""Every command that the documentation shows works, and shows what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from fetcher import reference
from fetcher.api import fetch
from fetcher.encode import jsonl, schema
from fetcher.model import Outcome, Result
from support import jobs
from support.documents import Reader, blocks, matches
from support.internet import internet
from support.secure import context_of
from tools.certificates import Authority
from tools.site.demo import demo_lines
from tools.site.hostile import HOSTILE
from tools.site.running import RunningSite

DOCS = jobs.ROOT / "docs"
# Made by programs; operations.md, whose commands are for several hosts: see test_operations; and
# comparison.md, whose commands are mostly those of other programs.
_OTHERS = {"settings.md", "faults.md", "operations.md", "comparison.md"}
PAGES = ("python.md", "quick-start.md", "recipes.md", "requests.md", "rows.md")


@pytest.fixture(scope="module")
def environ(
    tmp_path_factory: pytest.TempPathFactory, site: RunningSite
) -> Iterator[dict[str, str]]:
    """In which example.com and example.org are the local site, and no guest has to be polite."""
    folder = tmp_path_factory.mktemp("internet")
    authority = Authority(folder)
    names = [f"{any_}{name}" for name in ("example.com", "example.org") for any_ in ("", "*.")]
    with internet(context_of(*authority.issue(names)), site.port) as proxy:
        kept = {name: text for name, text in jobs.ENV.items() if not name.startswith("FETCHER_")}
        yield {
            **kept,
            "FETCHER_HTTP__PROXY": proxy,
            "FETCHER_HTTP__CA_FILE": str(authority.ca_file),
            "FETCHER_GUARD__ALLOW": "127.0.0.0/8",
            "FETCHER_POLITE__DELAY_S": "0",
            "FETCHER_RETRY__BACKOFF_S": "0.01",
            "FETCHER_WORKER__PROCESSES": "1",
        }


@pytest.fixture(scope="module")
def readings(
    tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]
) -> Iterator[dict[str, Future[int]]]:
    """All pages, two at a time, as they wait more than they work."""

    def follow(page: str) -> int:
        folder = tmp_path_factory.mktemp(page)
        return Reader(folder, {**environ, "COLUMNS": "100"}).follow((DOCS / page).read_text())

    with ThreadPoolExecutor(2) as readers:
        yield {page: readers.submit(follow, page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_run_and_show_what_it_says(
    page: str, readings: dict[str, Future[int]]
) -> None:
    assert readings[page].result(timeout=120) >= 2


def test_a_document_that_shows_what_is_not_so_is_found(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    right = "```console\n$ echo a b; false\na …\n$ echo $?\n1\n```\n"
    assert Reader(tmp_path, environ).follow(right) == 1
    for number, wrong in enumerate(
        (
            "```console\n$ echo a\nb\n```\n",
            "```console\n$ false\n```\n",
            "```console\n$ (exit 2)\n$ echo $?\n1\n```\n",
            "```sh\nfalse | cat\n```\n",
            "```python\nraise SystemExit(3)\n```\n",
            "```pycon\n>>> 1 + 1\n3\n```\n",
            "```bash\ntrue\n```\n",
            "```sh\ntrue\n",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(AssertionError):
            Reader(folder, environ).follow(wrong)


def test_dots_stand_for_a_part_of_a_line_or_for_lines() -> None:
    assert matches(["a … c", "…", "z"], ["a b c", "1", "2", "z"])
    assert matches(["…", "z"], ["z"])
    assert not matches(["a … c"], ["a b d"])
    assert not matches(["a", "z"], ["a", "b", "z"])


def test_links_between_documents_lead_somewhere() -> None:
    for path in (jobs.ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


# -- what is generated -----------------------------------------------------------------------


def test_the_settings_are_as_declared() -> None:
    assert (DOCS / "settings.md").read_text("utf-8") == reference.markdown(), "run `make docs`"


def test_the_schema_is_as_declared_and_the_tables_are_in_the_page() -> None:
    assert (DOCS / "row.schema.json").read_text("utf-8") == schema.text(), "run `make docs`"
    page = (DOCS / "rows.md").read_text("utf-8")
    for table in schema.markdown().split("\n\n"):
        assert table in page, "run `make docs` and take its tables"


def test_every_key_and_outcome_is_described() -> None:
    assert tuple(schema.KEYS) == Result.__struct_fields__
    assert list(schema.OUTCOMES) == list(Outcome)


def test_real_rows_of_all_kinds_fit_the_schema(
    site: RunningSite, tmp_path: Path, temporary: Path
) -> None:
    hostile = [site.url(f"/hostile/{name.decode()}") for name in HOSTILE]
    inputs: list[str | dict[str, object]] = [*demo_lines(site.base, 60), *hostile]
    inputs += [{"url": site.url("/bytes/10"), "id": id_} for id_ in ("a", 7)]
    inputs += ["http://10.0.0.1/", "http://\ud800/", {"url": 1}, {"id": 1}]
    limits = {"total_timeout_s": 1, "low_speed_s": 0.5, "max_body_bytes": 1 << 20}
    rows = list(fetch(inputs, out=tmp_path / "out", http=limits, workers=1))
    kinds = {row.outcome.value for row in rows}
    assert kinds >= {"ok", "http_error", "invalid_url", "blocked", "dns", "timeout", "protocol"}
    assert kinds >= {"too_large", "redirects"}
    check = jsonschema.Draft202012Validator(json.loads((DOCS / "row.schema.json").read_bytes()))
    lines = (tmp_path / "out" / "results" / "part-00000.jsonl").read_bytes().splitlines()
    assert len(lines) == len(inputs)
    for line in lines:
        check.validate(json.loads(line))


@pytest.mark.parametrize(
    "change",
    [
        {"line": 0},
        {"outcome": "fine"},
        {"status": "200"},
        {"headers": [["a"]]},
        {"sha256": "xyz"},
        {"other": 1},
        {"error_kind": "other"},
        {"outcome": "dns", "error_kind": "expired"},
        {"timings_ms": {"dns": 1.0}},
        {"url": ...},
    ],
)
def test_a_row_that_is_none_does_not_fit(change: dict[str, object]) -> None:
    check = jsonschema.Draft202012Validator(schema.schema())
    row = json.loads(jsonl.encode(Result(1, "http://test.invalid/", Outcome.OK, 200)))
    check.validate(row)
    check.validate(row | {"outcome": "dns", "error_kind": "no_such_name"})
    changed = {key: value for key, value in {**row, **change}.items() if value is not ...}
    with pytest.raises(jsonschema.ValidationError):
        check.validate(changed)


def test_no_block_is_passed_over() -> None:
    found = [block for page in PAGES for block in blocks((DOCS / page).read_text("utf-8"))]
    assert sum(block.kind == "console" for block in found) >= 5
    assert sum(block.kind in {"python", "pycon"} for block in found) >= 5
