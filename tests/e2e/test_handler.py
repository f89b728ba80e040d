"""worker.handler is called with each finished line; a failure affects only that line's row."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec import UNSET

from fetcher.model import Outcome, Result
from support import jobs
from support.keeping import require_all
from tools.ports import free_ports
from tools.site.running import RunningSite


def handler(name: str) -> str:
    return f"--set=worker.handler=support.handlers:{name}"


@pytest.mark.parametrize("mode", ["none", "files", "warc"])
def test_it_is_given_each_line_and_its_words_are_in_the_row(
    site: RunningSite, tmp_path: Path, mode: str
) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)}/"
    paths = ["/latin1", "/gzip/5000", "/redirect/2", "/status/404", "/status/204", "/bytes/90000"]
    lines = [*map(site.url, paths), nowhere, "no url"]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    out = tmp_path / "out"
    options = ("--workers=1", f"--set=output.bodies={mode}", "--set=http.max_body_bytes=80000")
    done = jobs.call("run", urls, "-o", out, handler("facts"), *options)
    assert done.returncode == 0, done.stderr
    rows = {row.line: row for row in sorted(jobs.prove(out, urls), key=lambda row: row.line)}
    facts = {line: row.extra for line, row in rows.items()}
    if mode != "none":
        require_all(out, list(rows.values()), mode)
    assert facts[1] == {
        "outcome": "ok",
        "body": rows[1].body_bytes,
        "text": "<!doctype html><titl",
        "title": ["Crème brûlée"],
        "response": [200, site.url("/latin1")],
        "same": True,
    }
    given = [(f["body"], f["response"] and f["response"][0]) for f in facts.values() if f]
    assert given == [
        (rows[1].body_bytes, 200),
        (5000, 200),
        (1000, 200),
        (rows[4].body_bytes, 404),
        (0, 204),
        (None, 200),
        (None, None),
        (None, None),
    ]
    outcomes = [row.outcome.value for row in rows.values()]
    assert outcomes == [*["ok"] * 3, "http_error", "ok", "too_large", "connect", "invalid_url"]
    assert facts[3] and facts[3]["response"][1] == site.url("/bytes/1000"), "after its hops"


SAID = {
    "raise": "handler: LookupError: as asked for",
    "leave": "handler: SystemExit: 7",
    "loop": "handler: TimeoutError: took longer than worker.handler_timeout_s (0.6)",
    "swallow": "handler: TimeoutError: took longer",
    "wait": "handler: TimeoutError: took longer",
    "own-timeout": "handler: Timeout: 0.05 seconds",
    "list": "handler: TypeError: it returned a list; return a dict or None",
    "bytes": "handler: ValueError: a[0]: bytes is not a JSON value",
    "nan": "handler: ValueError: a: nan is not a JSON number",
}


KINDS = {
    **dict.fromkeys(("loop", "swallow", "wait"), "timeout"),
    **dict.fromkeys(("list", "bytes", "nan"), "bad_result"),
}


def test_whatever_it_does_costs_its_own_row_alone(site: RunningSite, tmp_path: Path) -> None:
    deeds = [*SAID, "nothing", "late", ""]
    urls = [site.url(f"/bytes/100?{n}#{deed}") for n in range(2) for deed in deeds]
    urls += [site.url("/status/404#raise")]
    path = jobs.write_urls(tmp_path / "urls.txt", urls)
    options = ("--workers=1", "--set=worker.handler_timeout_s=0.6", "--set=worker.watchdog_s=20")
    done = jobs.call("run", path, "-o", tmp_path / "out", handler("by_fragment"), *options)
    assert done.returncode == 0, done.stderr
    assert "ended" not in done.stderr, "its worker lives"
    assert done.stderr.count("Traceback (most recent call last)") <= 2 * 3, "told a few times"
    assert "only in their rows" in done.stderr
    for row in jobs.prove(tmp_path / "out", path):
        deed = row.url.rpartition("#")[2]
        if deed in SAID:
            assert (row.outcome, row.extra) == (Outcome.HANDLER, UNSET), row
            assert (row.error or "").startswith(SAID[deed]), row
            assert row.error_kind == KINDS.get(deed, "raised"), row
            assert row.sha256, "the row still has what was fetched"
        else:
            extra = {"late": {"late": True}, "": {"fine": True}}.get(deed, UNSET)
            assert (row.outcome, row.error, row.extra) == (Outcome.OK, None, extra)
    last = _last(tmp_path / "out")
    assert (last.status, last.error_kind) == (404, "raised")
    assert (last.error or "").endswith("(and the fetch: http_error: the server answered 404)")


def test_a_refused_value_is_logged_in_one_line_and_an_exception_with_its_traceback(
    site: RunningSite, tmp_path: Path
) -> None:
    def logged(deed: str) -> str:
        path = jobs.write_urls(tmp_path / f"{deed}.txt", [site.url(f"/bytes/100#{deed}")])
        options = ("--workers=1", handler("by_fragment"))
        return jobs.call("run", path, "-o", tmp_path / deed, *options).stderr

    refused = logged("list")
    assert "its value for line 1 is refused: TypeError: it returned a list; return" in refused
    assert "Traceback" not in refused
    assert logged("raise").count("Traceback (most recent call last)") == 1


def test_a_handler_that_computes_neither_kills_its_worker_nor_costs_a_line_twice(
    tmp_path: Path,
) -> None:
    with RunningSite() as site:
        lines = [site.url(f"/bytes/100?{n}#compute") for n in range(60)]
        path = jobs.write_urls(tmp_path / "urls.txt", lines)
        # All of them together compute for longer than the loop may stand still.
        options = ("--workers=1", "--set=worker.watchdog_s=5")
        done = jobs.call("run", path, "-o", tmp_path / "out", handler("by_fragment"), *options)
        hits = site.hits()
    assert done.returncode == 0, done.stderr
    assert "ended" not in done.stderr, "its worker lives"
    assert {row.outcome for row in jobs.prove(tmp_path / "out", path)} == {Outcome.OK}
    asked = [count for target, count in hits.items() if target.startswith("/bytes/100?")]
    assert asked == [1] * 60, "each line is asked for once"


def _last(out: Path) -> Result:
    return max(jobs.rows(out), key=lambda row: row.line)


def test_lines_of_a_host_that_is_given_up_are_handled_too_and_delay_no_others(
    tmp_path: Path,
) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)}"
    path = jobs.write_urls(tmp_path / "urls.txt", [f"{nowhere}/{n}#later" for n in range(60)])
    options = ("--set=polite.enabled=true", "--set=polite.circuit_failures=2", "--workers=1")
    delay = "--set=polite.delay_s=0.01"
    began = time.monotonic()
    done = jobs.call("run", path, "-o", tmp_path / "out", handler("by_fragment"), *options, delay)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60 * 2 / 2, "they wait at once, and not one after another"
    rows = jobs.prove(tmp_path / "out", path)
    assert {(row.outcome, str(row.extra)) for row in rows} == {(Outcome.CONNECT, "{'late': True}")}
    assert sum((row.error or "").startswith("not tried") for row in rows) > 40
    kinds = {row.error_kind for row in rows if (row.error or "").startswith("not tried")}
    assert kinds <= {"not_tried", "refused"}, "a line that had failed before keeps its kind"
    assert "not_tried" in kinds


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no.such.module:f", "ModuleNotFoundError: No module named 'no'"),
        ("support.handlers:missing", "has no attribute 'missing'"),
        ("support.handlers:NO_FUNCTION", "is not a function"),
        ("no colon", "module:name"),
    ],
)
def test_a_handler_that_cannot_be_imported_is_one_line_shown_once(
    tmp_path: Path, name: str, said: str
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://127.0.0.1:9/"])
    option = f"--set=worker.handler={name}"
    done = jobs.call("run", urls, "-o", tmp_path / "out", option, "--workers=2")
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert "worker.handler" in line
    assert said in line
    assert not (tmp_path / "out").exists(), "it is not begun with settings that cannot be"


def test_a_handlers_module_may_print_and_run_code_at_exit(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/bytes/10")])
    options = (handler("facts").replace("handlers", "talkative"), "--workers=1")
    done = jobs.call("run", urls, "-o", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr


def test_what_it_computes_is_not_charged_to_the_servers(site: RunningSite, tmp_path: Path) -> None:
    lines = [site.url(f"/bytes/1000?{number}") for number in range(20)]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    out = tmp_path / "out"
    limits = [
        "--set=http.total_timeout_s=3",
        "--set=http.connect_timeout_s=3",
        "--set=retry.attempts=1",
        "--set=polite.enabled=false",
    ]
    done = jobs.call("run", urls, "-o", out, handler("compute"), "--workers=1", *limits)
    assert done.returncode == 0, done.stderr
    rows = jobs.prove(out, urls)
    assert {(row.outcome, row.error) for row in rows} == {(Outcome.OK, None)}


def test_the_exit_functions_of_its_module_are_called(
    site: RunningSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs.ENV, "PYTHONPATH", f"{jobs.ENV['PYTHONPATH']}:{tmp_path}")
    (tmp_path / "counting.py").write_text(
        "import atexit, pathlib\n"
        "pages = []\n"
        "file = pathlib.Path(__file__).with_name('n')\n"
        "atexit.register(lambda: file.write_text(str(len(pages))))\n"
        "def count(page): pages.append(page.result.url)\n"
    )
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/bytes/1"), site.url("/bytes/2")])
    handler_option = "--set=worker.handler=counting:count"
    done = jobs.call("run", urls, "-o", tmp_path / "out", "--workers=1", handler_option)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "n").read_text() == "2"
