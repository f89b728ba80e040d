"""What a run suggests at its end."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fetcher.protocol.totals import Totals
from fetcher.watch.next_steps import MOST, Finished, steps

OWN = [("--delay", "1"), ("--own-servers",)]


def totals(ok: int = 3, statuses: dict[int, int] | None = None, **failed: int) -> Totals:
    return Totals(ok + sum(failed.values()), {"ok": ok, **failed}, statuses or {200: ok})


def suggested(of: Finished, *there: str) -> list[str]:
    found = steps(of, lambda path: str(path) in there)
    assert len(found) <= MOST
    return found


def test_a_perfect_run_says_only_how_to_look_at_its_rows() -> None:
    assert suggested(Finished(totals(), Path("out"))) == [
        "as a table: fetcher export out -o out.csv",
        "figures and plots: fetcher report out",
    ]


def test_failed_rows_are_exported_and_what_may_work_now_is_tried_again() -> None:
    options = [("-c", "own servers.toml")]
    done = Finished(totals(timeout=60, http_error=1007), Path("runs/out"), options=options)
    assert suggested(done) == [
        "1,067 not ok: fetcher export runs/out -o out-failed.csv --outcome failed",
        "try those that may work now: fetcher retry runs/out -o runs/out2 -c 'own servers.toml'",
        "figures and plots: fetcher report runs/out",
    ]


def test_where_all_is_blocked_a_retry_for_own_servers_is_suggested() -> None:
    done = Finished(totals(ok=0, blocked=4), Path("out"), options=OWN)
    assert suggested(done)[1] == (
        "if these servers are your own: "
        "fetcher retry out --outcome blocked -o out2 --delay 1 --own-servers"
    )
    for other in (totals(ok=1, blocked=4), totals(ok=0, blocked=4, dns=1)):
        assert "--own-servers" not in " ".join(suggested(Finished(other, Path("out"))))


def test_a_crawl_that_was_blocked_is_begun_again_as_a_retry_follows_no_links() -> None:
    again = [("http://127.0.0.1/a b",), ("--depth", "2"), *OWN]
    done = Finished(totals(ok=0, blocked=1), Path("out"), options=OWN, crawl=again)
    assert suggested(done)[1] == (
        "if these servers are your own: "
        "fetcher crawl 'http://127.0.0.1/a b' --depth 2 --delay 1 -o out2 --own-servers"
    )


def test_a_retry_after_timeouts_has_twice_the_time_that_the_run_had() -> None:
    given = [("--timeout", "5.0"), ("--set", "http.total_timeout_s = 5"), ("--delay", "1")]
    for timeouts, options in ((1, "--delay 1 --timeout 10"), (0, f"{shlex.join(sum(given, ()))}")):
        run = Finished(totals(dns=1, timeout=timeouts), Path("out"), options=given, timeout_s=5)
        assert suggested(run)[1].endswith(f": fetcher retry out -o out2 {options}")
    by_file = Finished(totals(timeout=1), Path("out"), options=[("-c", "a.toml")], timeout_s=0.25)
    assert suggested(by_file)[1].endswith("retry out -o out2 -c a.toml --timeout 0.5")
    longest = Finished(totals(timeout=1), Path("out"), timeout_s=80_000)
    assert suggested(longest)[1].endswith("--timeout 86400")


def test_the_reason_names_the_options_whose_values_are_not_repeated() -> None:
    hidden = ["--header Authorization", "--set http.proxy"]
    for failed in (totals(dns=1), totals(ok=0, blocked=1)):
        said = suggested(Finished(failed, Path("out"), hidden=hidden))[1]
        assert " (add your --header Authorization, --set http.proxy): fetcher retry out" in said


@pytest.mark.parametrize(
    ("found", "is_worth_it"),
    [
        (totals(dns=1), True),
        (totals(statuses={200: 3, 503: 1}, http_error=1), True),
        (totals(statuses={200: 3, 429: 1}, http_error=1), True),
        (totals(statuses={200: 3, 404: 1}, http_error=1), False),
        (totals(invalid_url=1, blocked=2, robots=3), False),
    ],
)
def test_a_retry_is_suggested_where_it_would_find_a_row(found: Totals, is_worth_it: bool) -> None:
    said = " ".join(suggested(Finished(found, Path("out"))))
    assert ("fetcher retry" in said) == is_worth_it


def test_a_retry_also_says_how_to_take_all_rows_together() -> None:
    done = Finished(totals(dns=1), Path("out2"), parents=[Path("out")])
    assert suggested(done) == [
        "1 not ok: fetcher export out2 -o out2-failed.csv --outcome failed",
        "try those that may work now: fetcher retry out2 -o out3",
        "the newest row of every line: fetcher export out out2 -o out-all.csv",
    ]
    perfect = Finished(totals(), Path("out3"), parents=[Path("out"), Path("out2")])
    assert suggested(perfect) == [
        "the newest row of every line: fetcher export out out2 out3 -o out-all.csv",
        "figures and plots: fetcher report out3",
    ]


@pytest.mark.parametrize(
    ("out", "there", "again"),
    [
        ("out", (), "out2"),
        ("out", ("out2", "out3"), "out4"),
        ("out9", (), "out10"),
        ("2026-01-31", (), "2026-01-31-2"),
        ("monday.results", (), "monday.results2"),
        ("-out", (), "./-out2"),
        ("it's a run", (), "it's a run2"),
    ],
)
def test_a_new_out_is_next_to_the_one_before_and_not_there_yet(
    out: str, there: tuple[str, ...], again: str
) -> None:
    retry = suggested(Finished(totals(dns=1), Path(out)), *there)[1]
    words = shlex.split(retry.partition(": ")[2])
    assert words[-2:] == ["-o", again]
    assert words[2] == (f"./{out}" if out.startswith("-") else out)


def test_a_table_does_not_take_a_name_that_is_there() -> None:
    done = Finished(totals(), Path("out"))
    assert suggested(done, "out.csv", "out2.csv")[0].endswith("-o out3.csv")


def test_the_directory_of_the_run_itself_has_a_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows").mkdir()
    monkeypatch.chdir(tmp_path / "rows")
    failed, again, _ = suggested(Finished(totals(dns=1), Path()))
    assert "fetcher export . -o rows-failed.csv" in failed
    assert again.endswith(f"-o {tmp_path}/rows2")
