"""The arithmetic of the benchmarks, what they keep, and the pages that are written from it."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from tools.bench import binaries, comparison, docs, figures, guard, ideal, mix, names, page
from tools.bench.cases import CASES, Server
from tools.bench.comparison import Change
from tools.bench.figures import Results, Rows, Sample, Table, sample
from tools.bench.ideal import Limits
from tools.bench.processes import ENV, ROOT
from tools.bench.programs import OURS, PROGRAMS


def _rows(**costs: list[float]) -> Rows:
    return {name: {"cpu_us": sample(values)} for name, values in costs.items()}


# -- samples and files -----------------------------------------------------------------------


def test_a_sample_has_the_median_both_ends_and_the_number_of_runs() -> None:
    assert sample([3, 1, 2]) == Sample(2, 1, 3, 3)
    assert sample([1, 2, 3, 4]).median == 2.5
    assert sample([7]) == Sample(7, 7, 7, 1)
    assert sample([7]).is_single
    with pytest.raises(ValueError, match="needs a value"):
        sample([])


def test_a_sample_keeps_four_digits() -> None:
    assert sample([123456.7]).median == 123500
    assert sample([0.0123456]).median == 0.01235


def test_what_is_saved_is_loaded_and_other_tables_stay(tmp_path: Path) -> None:
    assert figures.load("speed", tmp_path).tables == {}
    figures.save("speed", {"one": _rows(a=[1.0]), "two": _rows(a=[2.0])}, "the first", tmp_path)
    figures.save("speed", {"two": _rows(b=[3.0])}, "the second", tmp_path)
    tables = figures.load("speed", tmp_path).tables
    assert tables["one"].origin == "the first"
    assert tables["one"].rows == _rows(a=[1.0])
    assert tables["two"].origin == "the second"
    assert tables["two"].rows == _rows(b=[3.0])
    assert "Python" in tables["one"].machine
    assert list(figures.load_all(tmp_path)) == ["speed"]


@pytest.mark.parametrize(
    "text",
    [
        "{not json",
        "",
        "{}",
        "[]",
        '{"benchmark": "guard", "tables": 7}',
        '{"benchmark": "guard", "tables": {"keepalive": {"rows": {}}}}',
        '{"benchmark": "\\ud800", "tables": {"\xff',
    ],
)
def test_a_file_that_holds_no_figures_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    path.write_bytes(text.encode("latin-1"))
    for read in (figures.load_all, lambda folder: figures.require_room("guard", folder)):
        with pytest.raises(UsageError) as raised:
            read(tmp_path)
        assert str(raised.value).startswith(f"{path}: not the figures of a benchmark (")
        assert str(raised.value).endswith("restore it by git, or remove it and measure again")


def test_a_folder_in_place_of_a_file_of_figures_is_named(tmp_path: Path) -> None:
    (tmp_path / "guard.json").mkdir()
    with pytest.raises(UsageError, match=r"guard\.json: Is a directory"):
        figures.load("guard", tmp_path)


def test_figures_that_could_not_be_kept_are_not_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        figures.require_room("guard", tmp_path / "file" / "results")
    figures.require_room("guard", tmp_path / "new")
    assert (tmp_path / "new").is_dir()


# -- comparison ------------------------------------------------------------------------------


def _change(now: list[float], stored: list[float] | None) -> Change:
    kept = sample(stored) if stored else None
    return Change("case", "one_per_other", "cpu_ratio", sample(now), kept)


@pytest.mark.parametrize(
    ("now", "stored", "verdict"),
    [
        ([1.2, 1.3, 1.4], [0.9, 1.0, 1.1], "WORSE"),
        ([1.0, 1.3, 1.4], [0.9, 1.0, 1.1], "as before"),  # the ranges meet
        ([1.03, 1.04, 1.05], [1.0, 1.0, 1.02], "as before"),  # apart, but by a few percent
        ([0.6, 0.7, 0.8], [0.9, 1.0, 1.1], "better"),
        ([9.0], None, "new"),
    ],
)
def test_worse_is_what_is_above_all_stored_runs_by_more_than_a_few_percent(
    now: list[float], stored: list[float] | None, verdict: str
) -> None:
    assert _change(now, stored).verdict == verdict


def test_the_change_is_the_share_by_which_the_median_has_grown() -> None:
    assert _change([1.5], [1.0]).share == pytest.approx(0.5)
    assert _change([1.5], None).share == 0


def test_every_figure_is_compared_with_the_stored_one_of_its_names() -> None:
    now = {"case": _rows(a=[2.0], b=[1.0]), "other": _rows(a=[1.0])}
    found = comparison.changes(now, {"case": _rows(a=[1.0])})
    assert [(change.table, change.row, change.verdict) for change in found] == [
        ("case", "a", "WORSE"),
        ("case", "b", "new"),
        ("other", "a", "new"),
    ]


def test_the_guard_tells_by_its_exit_code() -> None:
    assert guard.exit_code([_change([1.0], [1.0]), _change([1.0], None)]) == 0
    assert guard.exit_code([_change([1.0], [1.0]), _change([2.0], [1.0])]) == guard.EXIT_WORSE


def test_a_stored_cost_of_0_is_no_reason_to_fail() -> None:
    assert _change([1.0], [0.0]).share == math.inf
    assert _change([1.0], [0.0]).verdict == "WORSE"


# -- the ideal -------------------------------------------------------------------------------


def test_a_pool_lets_so_many_wait_at_once() -> None:
    waits = [(str(n), 2.0) for n in range(1000)]
    assert ideal.list_s(waits, Limits(1000)) == 2
    assert ideal.list_s(waits, Limits(300)) == 8
    assert ideal.list_s([], Limits(1)) == 0


def test_a_long_wait_at_the_end_of_a_list_lasts_beyond_it() -> None:
    assert ideal.list_s([("a", 1.0), ("b", 1.0), ("c", 5.0)], Limits(2)) == 6
    assert ideal.list_s([("c", 5.0), ("a", 1.0), ("b", 1.0)], Limits(2)) == 5


def test_a_host_has_so_many_requests_at_once_and_they_begin_apart() -> None:
    limits = Limits(pool=100, per_host=2, delay_s=0.25)
    assert ideal.list_s([("a", 2.0)] * 10, limits) == 10.25  # 2 at 0, 2, 4, 6, 8 and a bit later
    assert ideal.list_s([("a", 0.0)] * 5, limits) == 1


def test_who_waits_for_a_host_does_not_hold_up_others() -> None:
    limits = Limits(pool=2, per_host=1)
    assert ideal.list_s([("a", 3.0), ("a", 3.0), ("b", 1.0), ("c", 1.0)], limits) == 6


# -- the mix ---------------------------------------------------------------------------------

_PORTS = mix.Ports(plain=1, tls=2, refused=3, silent=4)


def test_the_mix_has_its_shares() -> None:
    targets = list(mix.targets(6000, _PORTS, latency_s=0.5, late_ms=200))
    count = len(targets)
    dead = sum(f":{port}/" in target.url for target in targets for port in (3, 4))
    gone = sum(f".{names.GONE}." in target.url for target in targets)
    assert dead + gone == count * 5 // 100
    assert sum(target.url.startswith("https:") for target in targets) == pytest.approx(
        0.57 * count, rel=0.05
    )
    assert all(target.wait_s >= 0.5 for target in targets if target.is_good)
    assert {target.wait_s for target in targets if ":4/" in target.url} == {5.0}


def test_a_name_is_late_once_and_a_redirect_answers_twice() -> None:
    targets = list(mix.targets(300, _PORTS, latency_s=0.5, late_ms=0))
    redirects = [each for each in targets if "/redirect/" in each.url and each.is_good]
    assert redirects
    assert {target.wait_s for target in redirects} == {1.0}
    late = list(mix.targets(300, _PORTS, latency_s=0.0, late_ms=200))
    again = late[100:]  # of 100 hosts, which are known by then
    assert {target.wait_s for target in again if target.is_good} == {0.0}


# -- the name server -------------------------------------------------------------------------


def _question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    head = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    return head + labels + b"\x00\x00" + bytes([kind]) + b"\x00\x01"


def test_the_name_server_knows_all_names_but_those_that_are_gone() -> None:
    here = names.answer(_question("h1.bench.test"))
    assert here[3] & 15 == 0
    assert here.endswith(b"\x7f\x00\x00\x01")
    assert names.answer(_question("h1.bench.test", 28))[6:8] == b"\0\0"  # AAAA: no answers
    assert names.answer(_question("h1.gone.bench.test"))[3] & 15 == 3


def test_a_name_has_a_delay_of_its_own() -> None:
    question = _question("H1.bench.test")
    assert names.name_of(question) == "h1.bench.test"
    delays = [names.delay_s(f"h{n}.bench.test", 200) for n in range(100)]
    assert delays == [names.delay_s(f"h{n}.bench.test", 200) for n in range(100)]
    assert 0 <= min(delays) < max(delays) <= 0.2


# -- programs --------------------------------------------------------------------------------


def test_each_case_names_programs_that_there_are_and_begins_with_fetcher() -> None:
    for case in CASES.values():
        assert case.programs[0] in OURS
        assert set(case.programs) <= set(PROGRAMS)
        assert set(case.at_least) <= set(case.programs)


def test_who_cannot_be_given_a_name_server_is_in_no_case_with_names() -> None:
    for name in binaries.WITHOUT_NAMES:
        assert not any(name in case.programs for case in CASES.values() if case.tls)


def test_every_program_says_what_work_it_does() -> None:
    text = page.Page({}).work()
    for program in PROGRAMS.values():
        assert program.title in text
        assert program.names
        assert program.keeps


def test_curl_has_at_most_300_transfers_and_its_own_settings_file(tmp_path: Path) -> None:
    server = Server("", ca_file=tmp_path / "ca.pem", names_port=53, port=443)
    words = binaries.curl(["https://a.test/"], tmp_path, 5000, server)
    assert words[words.index("--parallel-max") + 1] == 300
    assert words[0] == "-q"  # its user's settings are not read
    assert "*:443:127.0.0.1" in words


def test_the_versions_of_installed_programs_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"(\w+ \d+[.\d]+(, |$))*", binaries.versions())
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert binaries.versions() == ""


def test_bytecode_is_written_whatever_the_environment_says() -> None:
    assert "PYTHONDONTWRITEBYTECODE" not in ENV


# -- pages -----------------------------------------------------------------------------------


def _results(**rows: list[float]) -> dict[str, Results]:
    table = Table("2026-01-31", "2 cores", "python -m tools.bench speed", _rows(**rows))
    return {"speed": Results("speed", {"keepalive": table})}


def test_the_pages_are_what_the_figures_give() -> None:
    for name, text in docs.pages(figures.load_all()).items():
        assert (ROOT / name).read_text("utf-8") == text, "run `python -m tools.bench docs`"


def test_the_page_names_the_targets_that_speed_checks() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    (named,) = re.findall(r"^Targets are missed(.*?)Those are", text, re.S | re.M)
    bounds = [float(bound) for bound in re.findall(r"\((?:target\s)?([0-9.]+)\)", named)]
    keepalive, hosts, https = (CASES[name].at_least for name in ("keepalive", "hosts", "https"))
    assert bounds == [
        *(keepalive["pycurl_multi"], keepalive["aiohttp_loop"], hosts["aiohttp_loop"]),
        *(https["pycurl_multi"], https["aiohttp_loop"]),
    ]


def test_the_readme_says_how_much_memory_each_role_was_measured_to_take() -> None:
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    measured = page.Page(figures.load_all())
    for role, words in (("ventilator", "ventilator takes"), ("sink", "sink"), ("worker", "worker")):
        memory = measured.rounded(f"memory.jobs.10000000_lines.{role}_mb")
        assert f"{words} {memory} MB" in readme


def test_a_page_that_shows_other_figures_is_found() -> None:
    kept = figures.load_all()
    table = kept["speed"].tables["keepalive"]
    ours = table.rows["fetcher"] | {"urls_per_s": sample([1.0])}
    changed = figures.merged(
        kept["speed"],
        {"keepalive": table.rows | {"fetcher": ours}},
        origin=table.origin,
        place=table.machine,
        day=table.measured_on,
    )
    texts = docs.pages(kept | {"speed": changed})
    differing = [name for name, text in texts.items() if (ROOT / name).read_text("utf-8") != text]
    assert differing == ["docs/benchmarks.md", "README.md"]


@pytest.mark.parametrize(
    "path",
    ["speed.keepalive.fetcher.rate", "speed.keepalive.x.cpu_us", "speed.x.a.b", "x.y.z.w"],
)
def test_a_template_that_refers_to_a_missing_figure_is_refused(path: str) -> None:
    table = r"\.".join(path.split(".")[:2])
    with pytest.raises(page.MissingFigureError, match=f"^{table}.*: run `python -m tools.bench"):
        docs.render_text(f'{{{{ page.figure("{path}") }}}}', _results(fetcher=[1.0]))


def test_a_figure_and_a_ratio_are_written_in_short() -> None:
    text = '{{ page.rounded("speed.keepalive.a.cpu_us") }} '
    for one, other in ("ab", "ba", "ac"):
        text += f'{{{{ page.ratio("speed.keepalive.{one}.cpu_us", '
        text += f'"speed.keepalive.{other}.cpu_us") }}}} '
    results = _results(a=[12345.0], b=[4000.0], c=[500.0])
    assert docs.render_text(text, results) == "12,340 3.1 0.32 25 "


def test_a_figure_of_0_divides_nothing() -> None:
    results = _results(a=[1.0], b=[0.0])
    text = '{{ page.ratio("speed.keepalive.a.cpu_us", "speed.keepalive.b.cpu_us") }}'
    with pytest.raises(page.MissingFigureError, match=r"^speed\.keepalive\.b\.cpu_us is 0"):
        docs.render_text(text, results)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (_rows(a=[1.0], b=[2.0]), "single runs"),
        (_rows(a=[1.0, 2.0, 3.0]), "medians of 3"),
        (_rows(a=[1.0, 2.0], b=[1.0]), "medians of 1 to 2"),
    ],
)
def test_single_runs_are_named_as_such(rows: Rows, words: str) -> None:
    assert page.runs_of(rows) == words


def test_engines_have_a_table_of_those_that_were_measured() -> None:
    rows = {
        "local": {"first_rows_s": sample([1.4])},
        "engine": {
            "rate_ratio": sample([0.9, 0.98, 1.02]),
            "first_rows_s": sample([3.3]),
            "heal_s": sample([1.0]),
            "slot_mb": sample([48.4]),
            "other_mb": sample([0.0]),
        },
    }
    table = Table("2026-01-31", "2 cores", "python -m tools.engines x", rows, "x 1.2")
    text = page.Page({"engines": Results("engines", {"x": table})}).engines()
    assert text.splitlines()[2:] == [
        "| `x` | 0.98 | 0.90 - 1.02 | 3.3 (local 1.4) | 1.0 | 48 | 0 | x 1.2 "
        "| 2026-01-31, medians of 1 to 3 |"
    ]


def test_a_table_says_when_and_how_it_was_measured_and_where_if_elsewhere() -> None:
    results = _results(a=[1.0])
    assert page.Page(results).about("speed.keepalive") == (
        "*2026-01-31, `python -m tools.bench speed`; single runs.*"
    )
    other = Table("2026-02-01", "a laptop", "measured by hand", _rows(a=[1.0]))
    results["by_hand"] = Results("by_hand", {"one": other, "two": other, "three": other})
    assert "Machine: 2 cores" in page.Page(results).about("speed.keepalive")
