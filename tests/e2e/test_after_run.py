"""The commands that a run suggests at its end work when pasted into a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support import jobs
from tools.site.running import RunningSite


def typed(line: str, folder: Path) -> str:
    """Run it by bash in the folder; what it printed."""
    done = subprocess.run(
        ["bash", "-c", line],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=jobs.ENV,
        timeout=120,
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def suggested(printed: str) -> list[str]:
    """The commands of the lines after the last empty one."""
    lines = printed.rstrip().rpartition("\n\n")[2].splitlines()
    return [line.partition(": ")[2] for line in lines]


def test_each_suggestion_of_a_run_and_of_its_retry_can_be_pasted(
    site: RunningSite, tmp_path: Path
) -> None:
    jobs.write_urls(
        tmp_path / "urls.txt", [site.url("/bytes/9"), site.url("/status/503"), "no url"]
    )
    (tmp_path / "my settings.toml").write_text("[worker]\nprocesses = 1\n")
    begin = f"{jobs.PROGRAM} run urls.txt -o $'it\\'s\\tout' -c 'my settings.toml'"
    export, retry, report = suggested(typed(begin, tmp_path))
    typed(export, tmp_path)
    assert (tmp_path / "it's\tout-failed.csv").read_text().count("\n") == 3
    typed(report, tmp_path)
    assert (tmp_path / "it's\tout.html").exists()

    _, again, merged = suggested(typed(retry, tmp_path))
    assert (tmp_path / "it's\tout2" / "manifest.json").exists()
    assert "my settings.toml" in again
    typed(merged, tmp_path)
    assert (tmp_path / "it's\tout-all.csv").read_text().count("\n") == 4
    *_, whole = suggested(typed(again, tmp_path))
    typed(f"{whole} --force", tmp_path)
    assert "out3" in whole


def test_quiet_suggests_nothing_and_secrets_are_not_said_again(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/status/503")])
    quick = ("--workers=1", "--set=monitor.token=hidden-hidden-hidden", "--header=X-Key: hidden")
    printed = jobs.call("run", urls, "-o", tmp_path / "out", *quick).stdout
    assert "--workers 1" in printed
    assert "(add your --header X-Key, --set monitor.token)" in printed
    assert "hidden" not in printed
    assert jobs.call("retry", tmp_path / "out", "-o", tmp_path / "out2", "-q").stdout == ""
