"""Jobs for sites with a log-in: real roles, a real site with a form."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from fetcher.security import keygen
from support import jobs
from support.hosts import Hosts
from support.members import MembersSite, Refusal, members_site

BY_FORM = "--set=http.login=support.login_functions:by_form"
LIMIT_S = 60.0


@pytest.fixture(autouse=True)
def _no_site() -> Iterator[None]:
    yield
    for name in ("LOGIN_BASE", "LOGIN_MARK", "LOGIN_PASSWORD"):
        jobs.ENV.pop(name, None)


def options(site: MembersSite, rule: str = "status:401", login: str = BY_FORM) -> list[str]:
    jobs.ENV["LOGIN_BASE"] = site.base
    return [login, f"--set=http.logged_out={rule}", "--set=worker.pool_size=4"]


def write_pages(site: MembersSite, path: Path, count: int) -> Path:
    return jobs.write_urls(path, [f"{site.base}/page/{n}" for n in range(count)])


def run(urls: Path, out: Path, *more: str) -> list[Result]:
    done = jobs.call("run", urls, "-o", out, "--workers=2", "--batch-size=10", "--quiet", *more)
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(jobs.rows(out), key=lambda row: row.line)


def files_of(out: Path) -> bytes:
    return b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("refusal", "rule"),
    [
        ("status", "status:401"),
        ("redirect", "status:407|redirect:/login"),
        ("text", "text:Please log in"),
    ],
)
def test_one_worker_logs_in_for_all_and_again_when_the_session_has_ended(
    refusal: Refusal, rule: str, tmp_path: Path
) -> None:
    with members_site(refusal, hits_per_session=25) as site:
        urls = write_pages(site, tmp_path / "urls.txt", 60)
        rows = run(urls, tmp_path / "out", *options(site, rule))
        assert len(site.log_ins) == 3, "once for each session that ended"
        assert set(site.pages.values()) == {1}
        written = files_of(tmp_path / "out")
        assert not [each for each in site.log_ins if each.encode() in written]
    assert {row.outcome for row in rows} == {Outcome.OK} and len(rows) == 60
    assert sum((row.attempts or 0) - 1 for row in rows) == sum(site.refused.values())


@pytest.mark.parametrize(
    ("refusal", "rule", "more"),
    [
        ("status", "status:401", ()),
        ("text", "text:Please log in", ("--set=http.auth=support.auths:none",)),
    ],
)
def test_get_logs_in_too_and_shows_the_session_nowhere(
    refusal: Refusal, rule: str, more: tuple[str, ...]
) -> None:
    with members_site(refusal, hits_per_session=4) as site:
        pages = [f"{site.base}/page/{n}" for n in range(10)]
        done = jobs.call("get", *pages, *options(site, rule), *more)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 10 and len(site.log_ins) == 3
        assert not [each for each in site.log_ins if each in done.stdout]


def test_headers_go_to_their_place_only_also_across_redirects(tmp_path: Path) -> None:
    with members_site() as site:
        urls = jobs.write_urls(
            tmp_path / "urls.txt",
            [f"{site.base}/away", f"http://127.0.0.2:{site.port}/open/2", f"{site.base}/page/1"],
        )
        given = options(site, login="--set=http.login=support.login_functions:with_headers")
        rows = run(urls, tmp_path / "out", "--set=output.bodies=warc", *given)
        heads = dict(site.heads)
        written = files_of(tmp_path / "out")
    assert {row.outcome for row in rows} == {Outcome.OK}
    for path in ("/away", "/page/1"):
        head = heads[f"127.0.0.1:{site.port}{path}"]
        assert head["X-Token"] == "tok-secret" and "sid=" in head["Cookie"]
        assert "X-Safe" not in head, "a host without a scheme stands for https"
    for path in ("/open/landed", "/open/2"):
        assert not {"X-Token", "Cookie"} & heads[f"127.0.0.2:{site.port}{path}"].keys()
    assert b"tok-secret" not in written


def test_a_page_that_stays_forbidden_ends_as_http_error_and_log_ins_are_bounded(
    tmp_path: Path,
) -> None:
    with members_site() as site:
        pages = [f"{site.base}/forbidden/{n}" for n in range(6)]
        urls = jobs.write_urls(tmp_path / "urls.txt", [*pages, f"{site.base}/page/1"])
        done = jobs.call(
            *("run", urls, "-o", tmp_path / "out", "--workers=1", "--set=http.max_logins=3"),
            *(*options(site), "--set=worker.pool_size=1"),
        )
        assert done.returncode == 0
        assert len(site.log_ins) == 4
    rows = {row.line: row for row in jobs.rows(tmp_path / "out")}
    for line in range(1, 7):
        assert (rows[line].outcome, rows[line].status) == (Outcome.HTTP_ERROR, 401)
        said = "the server answered 401, which fits http.logged_out: status:401"
        assert rows[line].error == said
    assert rows[1].attempts == 3 and rows[6].attempts == 1
    assert rows[7].outcome is Outcome.OK
    assert done.stderr.count("after 3 new log-ins within 600 s") == 1, done.stderr


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("quoting", "ValueError: odd cookies: {'sid': '…'}"),
        ("hanging", "took longer than http.login_timeout_s (1 s)"),
        ("nothing", "it left no cookie in the session and returned no headers"),
        ("leaving", "it left Authorization in session.headers; return headers with their place"),
    ],
)
def test_a_first_log_in_that_fails_is_one_line_before_anything_is_fetched(
    function: str, said: str, tmp_path: Path
) -> None:
    with members_site() as site:
        urls = write_pages(site, tmp_path / "urls.txt", 30)
        login = f"--set=http.login=support.login_functions:{function}"
        given = [*options(site, login=login), "--set=http.login_timeout_s=1"]
        commands: list[list[object]] = [["run", urls, "-o", tmp_path / "out", "--workers=2"]]
        if function == "quoting":
            commands.append(["get", f"{site.base}/page/1"])
        for command in commands:
            done = jobs.call(*command, *given)
            assert done.returncode == 2, done.stderr
            (line,) = done.stderr.strip().splitlines()
            assert said in line and "nothing was fetched" in line
        assert not site.pages and not site.refused


def test_a_wrong_name_is_found_before_the_job_begins(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://a.test/"])
    for given, said in (
        ("http.login=nowhere:nothing", "http.login = 'nowhere:nothing': ModuleNotFoundError"),
        ("http.logged_out=status:401", "http.logged_out needs http.login"),
        ("http.logged_out=header:x", "http.logged_out = 'header:x': must be status:NUMBER"),
    ):
        done = jobs.call("run", urls, "-o", tmp_path / "out", "--quiet", f"--set={given}")
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_the_worker_that_logs_in_may_die_and_another_does_it(tmp_path: Path) -> None:
    with members_site() as site:
        jobs.ENV["LOGIN_MARK"] = str(tmp_path / "mark")
        urls = write_pages(site, tmp_path / "urls.txt", 40)
        given = options(site, login="--set=http.login=support.login_functions:dying_once")
        done = jobs.call("run", urls, "-o", tmp_path / "out", "--workers=2", *given)
        assert done.returncode == 0, done.stderr
        assert len(site.log_ins) == 1 and (tmp_path / "mark").exists()
        assert "ended while it logged in; another worker does it" in done.stderr
    assert {row.outcome for row in jobs.rows(tmp_path / "out")} == {Outcome.OK}


def until(said: str, holds: Callable[[], object]) -> None:
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at, said
        time.sleep(0.02)


def test_workers_of_several_hosts_with_keys_share_one_log_in(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1)
    keygen.init(tmp_path / "keys", ("a", "b"))
    with members_site() as site, contextlib.ExitStack() as stack:
        write_pages(site, hosts.urls, 60)
        given = ("--set=worker.transport=curl", *options(site))
        commands = (
            (hosts.sink, "sink"),
            (hosts.ventilator, "ventilator"),
            (hosts.worker, "workers/a"),
            (hosts.worker, "workers/b"),
        )
        running = [
            stack.enter_context(jobs.forked(*each, f"--keys={tmp_path}/keys/{folder}", *given))
            for each, folder in commands
        ]
        for job in running:
            code, _, said = job.wait(LIMIT_S)
            assert code == 0, said
        assert len(site.log_ins) == 1 and not site.refused
    assert {row.outcome for row in jobs.prove(hosts.out, hosts.urls)} == {Outcome.OK}


def test_a_worker_whose_job_has_no_log_in_ends_with_one_line(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 200)
    with members_site() as site, contextlib.ExitStack() as stack:
        commands = [(*hosts.sink,), (*hosts.ventilator,), (*hosts.worker,)]
        running = [stack.enter_context(jobs.forked(*each)) for each in commands]
        other = (*hosts.worker, "--set=worker.transport=curl", *options(site))
        code, _, said = stack.enter_context(jobs.forked(*other)).wait(LIMIT_S)
        assert code == 2 and said.count("http.login is set for this worker, but") == 1, said
        for job in running:
            code, _, said = job.wait(LIMIT_S)
            assert code == 0, said
            assert "dropped" not in said
        assert not site.log_ins
    assert {row.outcome for row in jobs.prove(hosts.out, hosts.urls)} == {Outcome.OK}


def test_a_worker_without_the_log_in_of_its_job_fetches_nothing(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1)
    with members_site() as site, contextlib.ExitStack() as stack:
        site.page_s = 0.5
        write_pages(site, hosts.urls, 200)
        given = ("--set=worker.transport=curl", *options(site))
        commands = [(*each, *given) for each in (hosts.sink, hosts.ventilator, hosts.worker)]
        running = [stack.enter_context(jobs.forked(*each)) for each in commands]
        until("the job begins", lambda: site.pages)
        other = (*hosts.worker, "--set=worker.transport=curl")
        code, _, said = stack.enter_context(jobs.forked(*other)).wait(LIMIT_S)
        assert code == 2 and said.count("give http.login to this worker, too") == 1, said
        site.page_s = 0.0
        for job in running:
            code, _, said = job.wait(LIMIT_S)
            assert code == 0, said
        assert not site.refused
    assert {row.outcome for row in jobs.prove(hosts.out, hosts.urls)} == {Outcome.OK}


def test_a_ventilator_on_its_own_ends_with_the_failed_log_in(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 30)
    with members_site() as site, contextlib.ExitStack() as stack:
        given = ("--set=worker.transport=curl", *options(site))
        jobs.ENV["LOGIN_PASSWORD"] = "wrong"
        commands = (hosts.sink, hosts.worker, hosts.ventilator)
        running = [stack.enter_context(jobs.forked(*each, *given)) for each in commands]
        code, _, said = running[-1].wait(LIMIT_S)
    assert code == 2 and "HTTPError: 403" in said and "nothing was fetched" in said, said


@pytest.mark.slow
@pytest.mark.parametrize("role", ["worker", "ventilator"])
def test_a_new_worker_and_a_new_ventilator_get_the_present_session(
    role: str, tmp_path: Path
) -> None:
    with members_site() as site:
        site.page_s = 0.05
        urls = write_pages(site, tmp_path / "urls.txt", 200)
        with jobs.forked(
            *("run", urls, "-o", tmp_path / "out", "--workers=2", "--batch-size=10"),
            *options(site),
        ) as job:
            until("the job begins", lambda: len(site.pages) > 20)
            assert job.kill(role)
            code, _, said = job.wait(LIMIT_S)
            assert code == 0, said
        assert len(site.log_ins) == 1
    rows = jobs.rows(tmp_path / "out")
    assert len(rows) == 200 and {row.outcome for row in rows} == {Outcome.OK}


@pytest.mark.slow
def test_a_later_log_in_that_keeps_failing_stops_the_job_which_can_be_resumed(
    tmp_path: Path,
) -> None:
    with members_site(hits_per_session=20) as site:
        urls = write_pages(site, tmp_path / "urls.txt", 60)
        with jobs.forked(
            *("run", urls, "-o", tmp_path / "out", "--workers=2", "--batch-size=10"),
            *(*options(site), "--set=polite.enabled=true", "--set=polite.delay_s=0.05"),
        ) as job:
            until("the job begins", lambda: site.log_ins)
            site.is_down = True
            code, _, said = job.wait(LIMIT_S)
            assert code == 3, said
        assert "no new session after 3 tries" in said and "the same command resumes" in said
        assert len(list(jobs.rows(tmp_path / "out"))) == 20, "what was fetched is committed"
        site.is_down = False
        rows = run(urls, tmp_path / "out", *options(site))
    assert len(rows) == 60 and {row.outcome for row in rows} == {Outcome.OK}
    assert set(site.pages.values()) == {1}
