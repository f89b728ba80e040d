"""Every command that the documentation shows works, and shows what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest

from fetcher.api import fetch
from fetcher.frontier.totals import Refusal
from fetcher.model import Outcome, Result
from fetcher.rows import jsonl, schema
from fetcher.settings import docs
from fetcher.settings.sections_crawl import Crawl
from support import forking, jobs, role_forks
from support.documents import RUN, Reader, anchors, blocks, matches
from support.internet import internet
from support.members import members_site
from support.secure import context_of
from tools.certificates import Authority
from tools.ports import free_ports
from tools.site.demo import demo_lines
from tools.site.hostile import HOSTILE
from tools.site.running import RunningSite

DOCS = jobs.ROOT / "docs"
NEEDS_CLUSTER = re.compile(
    r"^```console\n\$ (?:redis-server|dask scheduler) .*?^```\n", re.M | re.S
)
# Programs make two of them. Most commands of comparison.md are of other programs. Those of
# operations.md are for several hosts: test_operations runs them.
_OTHERS = {"settings.md", "faults.md", "operations.md", "comparison.md"}
TEXTS = (*sorted(jobs.ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")))
PAGES = {
    path.name: path
    for path in TEXTS
    if path.name not in _OTHERS
    and any(block.kind in RUN for block in blocks(path.read_text("utf-8")))
}

# Of these, each command is a fresh interpreter, as a user has it.
FRESH = {"README.md", "quick-start.md"}


@pytest.fixture(scope="module")
def environ(
    tmp_path_factory: pytest.TempPathFactory, site: RunningSite
) -> Iterator[dict[str, str]]:
    """In which example.com and example.org are the local site, and no guest has to be polite."""
    folder = tmp_path_factory.mktemp("internet")
    authority = Authority(folder)
    names = [f"{any_}{name}" for name in ("example.com", "example.org") for any_ in ("", "*.")]
    port = free_ports(9)  # those of a ventilator with some routes, and of a sink
    with (
        members_site(hits_per_session=15) as members,
        internet(
            context_of(*authority.issue(names)),
            site.port,
            {"members.example.com": members.port},
        ) as proxy,
    ):
        kept = {name: text for name, text in jobs.ENV.items() if not name.startswith("FETCHER_")}
        kept["PYTHONPATH"] = f"{role_forks.STARTUP}:{kept['PYTHONPATH']}"
        yield {
            **kept,
            **role_forks.variables(kept),
            "FETCHER_HTTP__PROXY": proxy,
            "FETCHER_HTTP__CA_FILE": str(authority.ca_file),
            "FETCHER_GUARD__ALLOW": "127.0.0.0/8",
            "FETCHER_POLITE__DELAY_S": "0",
            "FETCHER_POLITE__REST_S": "0.1",
            "FETCHER_RETRY__BACKOFF_S": "0.01",
            "FETCHER_WORKER__PROCESSES": "1",
            # For separate roles: the default ports may be in use.
            "FETCHER_ENDPOINTS__VENTILATOR": f"tcp://127.0.0.1:{port}",
            "FETCHER_ENDPOINTS__SINK": f'["tcp://127.0.0.1:{port + 7}"]',
        }


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_run_and_show_what_it_says(
    page: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    forks = "" if page in FRESH else forking.address_of("support.program_main", environ)
    reader = Reader(tmp_path, {**environ, "COLUMNS": "100"}, forks)
    # A block that starts a broker or a cluster is run by test_engines.
    text = NEEDS_CLUSTER.sub("", PAGES[page].read_text("utf-8"))
    assert reader.follow(text) >= 1


def test_the_roles_of_its_commands_are_forked(tmp_path: Path, environ: dict[str, str]) -> None:
    program = (
        "from fetcher.api import fetch\n"
        "(row,) = fetch(['http://test.invalid/'], worker={'handler': 'support.handlers:parent',"
        f" 'transport': '{jobs.SLOW}'}})\n"
        "assert 'fetcher.roles.worker_main' in row.extra['parent'], row\n"
    )
    assert Reader(tmp_path, environ).follow(f"```python\n{program}```\n") == 1


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


def test_links_between_documents_lead_to_a_file_and_a_heading() -> None:
    dead = []
    for path in TEXTS:
        for target, _, heading in re.findall(r"\]\(([^)#]*)(#([^)]*))?\)", path.read_text("utf-8")):
            there = path.parent / target if target else path
            if "://" in target:
                continue
            if not there.exists() or (heading and heading not in anchors(there.read_text("utf-8"))):
                dead.append(f"{path.name}: {target}#{heading}")
    assert dead == []


def test_the_anchors_of_a_document_are_those_of_its_headings() -> None:
    text = "# A day's work\n\n## What `verify` proves\n```sh\n# none\n```\n## Stop, and go on\n"
    assert anchors(text) == {"a-days-work", "what-verify-proves", "stop-and-go-on"}


def test_each_document_can_be_reached_from_the_readme() -> None:
    readme = (jobs.ROOT / "README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\((?:docs/)?([\w-]+\.md)", readme))
    assert {path.name for path in TEXTS} - linked == {"README.md"}


def test_the_readme_is_short() -> None:
    assert len((jobs.ROOT / "README.md").read_text("utf-8").splitlines()) <= 200


# -- what is generated -----------------------------------------------------------------------


def test_the_settings_are_as_declared() -> None:
    assert (DOCS / "settings.md").read_text("utf-8") == docs.markdown(), "run `make docs`"


def test_the_schema_is_as_declared_and_the_tables_are_in_the_page() -> None:
    assert (DOCS / "row.schema.json").read_text("utf-8") == schema.text(), "run `make docs`"
    page = (DOCS / "rows.md").read_text("utf-8")
    for table in schema.markdown().split("\n\n"):
        assert table in page, "run `make docs` and take its tables"


def test_every_key_and_outcome_is_described() -> None:
    assert tuple(schema.KEYS) == Result.__struct_encode_fields__
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
def test_an_invalid_row_does_not_fit_the_schema(change: dict[str, object]) -> None:
    check = jsonschema.Draft202012Validator(schema.schema())
    row = json.loads(jsonl.encode(Result(1, "http://test.invalid/", Outcome.OK, 200)))
    check.validate(row)
    check.validate(row | {"outcome": "dns", "error_kind": "no_such_name"})
    changed = {key: value for key, value in {**row, **change}.items() if value is not ...}
    with pytest.raises(jsonschema.ValidationError):
        check.validate(changed)


def test_no_block_is_passed_over() -> None:
    found = [block for path in PAGES.values() for block in blocks(path.read_text("utf-8"))]
    assert len(PAGES) >= 10
    assert sum(block.kind == "console" for block in found) >= 20
    assert sum(block.kind in {"python", "pycon"} for block in found) >= 10


def test_the_docs_explain_each_reason_why_a_link_is_not_followed() -> None:
    text = (DOCS / "crawl.md").read_text("utf-8")
    table = text.partition("| reason | the link | setting |\n")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.M)
    assert named == [reason.value for reason in Refusal]
    settings = set(re.findall(r"`crawl\.(\w+)`", table))
    assert settings <= {field.name for field in msgspec.structs.fields(Crawl)}
