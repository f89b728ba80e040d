"""A setting that contradicts how OUT was begun is exit code 4, wherever it was given."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from fetcher.api import Job
from fetcher.errors import ConflictError
from support import jobs, outs
from support.hosts import Hosts

pytestmark = pytest.mark.promise

NULL = ("--workers=1", "--set=worker.transport=null", "-q")
WHAT_TO_DO = "leave this setting out, or choose another OUT"


def call(*arguments: object, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and stderr, with more variables in the environment."""
    done = subprocess.run(
        jobs.command(*arguments),
        check=False,
        capture_output=True,
        cwd=jobs.ROOT,
        env={**jobs.ENV, **(environ or {})},
        timeout=60,
    )
    return done.returncode, done.stderr.decode()


def half_done(folder: Path) -> tuple[Path, Path]:
    """A list, and an OUT that was begun with it and all defaults but small batches."""
    urls = outs.write_input(folder / "urls.txt", 20)
    return urls, outs.make_out(folder / "out", urls, [outs.row(line) for line in range(1, 6)])


def test_a_run_names_both_values_the_origin_and_what_to_do(tmp_path: Path) -> None:
    urls, out = half_done(tmp_path)
    conf = tmp_path / "my.toml"
    conf.write_text('[output]\nbodies = "files"\n')
    begun = f"fetcher: {out} was begun with"
    for said, options, environ in (
        (
            'output.bodies = "none", not "warc" (--set output.bodies)',
            ["--set=output.bodies=warc"],
            {},
        ),
        (f'output.bodies = "none", not "files" ({conf})', ["-c", conf], {}),
        ("job.batch_size = 8, not 50 (--batch-size)", ["--batch-size=50"], {}),
        (
            'output.rows = "jsonl", not "msgpack" (FETCHER_OUTPUT__ROWS)',
            [],
            {"FETCHER_OUTPUT__ROWS": "msgpack"},
        ),
        ('input.format = "text", not "csv" (--set input.format)', ["--set=input.format=csv"], {}),
    ):
        found = call("run", urls, "-o", out, *NULL, *options, environ=environ)
        assert found == (4, f"{begun} {said}; {WHAT_TO_DO}\n")
    # What is equal, and what is at its default, resumes.
    same = ("--batch-size=8", "--set=output.bodies=none", "--set=input.format=text")
    assert call("run", urls, "-o", out, *NULL, *same) == (0, "")
    jobs.prove(out, urls)


def test_a_piped_list_is_judged_too(tmp_path: Path) -> None:
    out, lines = tmp_path / "out", b"http://test.invalid/\n"
    assert jobs.call("run", "-", "-o", out, *NULL, stdin=lines).returncode == 0
    done = jobs.call("run", "-", "-o", out, *NULL, "--set=output.bodies=warc", stdin=lines)
    assert (done.returncode, done.stderr) == (
        4,
        f'fetcher: {out} was begun with output.bodies = "none", not "warc" (--set output.bodies); '
        f"{WHAT_TO_DO}\n",
    )
    assert jobs.call("run", "-", "-o", out, *NULL, stdin=lines).returncode == 0


def test_another_list_is_reported_before_another_setting(tmp_path: Path) -> None:
    _, out = half_done(tmp_path)
    other = outs.write_input(tmp_path / "other.txt", 21)
    code, said = call("run", other, "-o", out, *NULL, "--set=output.bodies=warc")
    assert code == 4 and "belongs to another job" in said


def test_a_retry_reads_lines_as_its_parent_and_writes_rows_as_it_was_begun(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    out = outs.make_out(tmp_path / "out", urls, [outs.row(line) for line in (1, 2, 3)])
    again = ("retry", out, "--outcome=ok", "-o", tmp_path / "out2", *NULL)
    code, said = call(*again, "--set=input.format=jsonl")
    assert (code, said) == (
        4,
        f'fetcher: {out} was begun with input.format = "text", not "jsonl" (--set input.format); '
        "leave this setting out\n",
    )
    assert not (tmp_path / "out2").exists()
    assert call(*again) == (0, "")
    code, said = call(*again, "--set=output.rows=msgpack")
    assert code == 4 and f"{tmp_path / 'out2'} was begun with output.rows" in said
    assert call(*again, "--set=output.rows=jsonl") == (0, "")


def test_the_api_raises_a_conflict_before_it_starts_a_process(tmp_path: Path) -> None:
    urls, out = half_done(tmp_path)
    null = {"worker.transport": "null", "worker.processes": 1}
    with pytest.raises(ConflictError) as caught:
        Job(urls, out=out, settings=null, batch_size=50, output={"bodies": "warc"}).start()
    assert str(caught.value) == (
        f"{out} was begun with job.batch_size = 8, not 50 (batch_size); "
        'output.bodies = "none", not "warc" (output); '
        "leave these settings out, or choose another OUT"
    )
    with Job(urls, out=out, settings=null, batch_size=8) as job:
        assert job.wait().state == "complete"


def test_items_of_a_program_resume_without_a_word_on_their_format(tmp_path: Path) -> None:
    out, null = tmp_path / "out", {"worker.transport": "null", "worker.processes": 1}
    for _ in range(2):
        with Job(["http://test.invalid/"], out=out, settings=null) as job:
            assert job.wait().rows == 1


# -- on separate hosts -----------------------------------------------------------------------


def test_a_sink_judges_the_out_that_it_has(tmp_path: Path) -> None:
    _, out = half_done(tmp_path)
    sink = ("sink", "-o", out)
    for option, said in (
        ("--set=output.bodies=warc", 'output.bodies = "none", not "warc" (--set output.bodies)'),
        ("--set=job.batch_size=9", "job.batch_size = 8, not 9 (--set job.batch_size)"),
    ):
        assert call(*sink, option) == (4, f"fetcher: {out} was begun with {said}; {WHAT_TO_DO}\n")


def test_a_ventilator_judges_the_out_that_its_sink_has(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 20)
    outs.make_out(hosts.out, hosts.urls, [])  # in batches of 8
    same = [each for each in hosts.sink if each != "--set=job.batch_size=10"]
    with jobs.forked(*same, "-q") as sink:
        assert call(*hosts.ventilator, "-q") == (
            4,
            "fetcher: the sink's OUT was begun with job.batch_size = 8, not 10 "
            f"(--set job.batch_size); {WHAT_TO_DO}\n",
        )
        right = [each for each in hosts.ventilator if each != "--set=job.batch_size=10"]
        with jobs.forked(*right, "-q") as ventilator, jobs.forked(*hosts.worker) as worker:
            for each in (ventilator, sink, worker):
                code, _, error = each.wait()
                assert (code, error) == (0, "") or each is worker, error
    jobs.prove(hosts.out, hosts.urls)


def test_a_sink_refuses_a_new_job_that_would_ignore_its_settings(tmp_path: Path) -> None:
    hosts, conf = Hosts(tmp_path, 20), tmp_path / "cluster.toml"
    # What a file for all roles says of batches is the ventilator's; what it says of bodies is not.
    conf.write_text('[output]\nbodies = "warc"\n[job]\nbatch_size = 70\n')
    same = [each for each in hosts.sink if each != "--set=job.batch_size=10"]
    with jobs.forked(*same, "-q", "-c", conf) as sink:
        code, said = call(*hosts.ventilator, "-q")
        assert (code, said) == (
            4,
            f'fetcher: the ventilator would begin {hosts.out} with output.bodies = "none", not '
            f'"warc" ({conf}); give this setting alike to the ventilator and to this sink\n',
        )
        with (
            jobs.forked(*hosts.ventilator, "--set=output.bodies=warc") as ventilator,
            jobs.forked(*hosts.worker),
        ):
            assert ventilator.wait()[0] == 0
        code, _, error = sink.wait()
    assert code == 0
    assert "a ventilator is refused: the ventilator would begin" in error
    jobs.prove(hosts.out, hosts.urls)
