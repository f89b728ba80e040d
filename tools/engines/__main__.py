"""`python -m tools.engines [NAME ...]`: what engines cost, compared with `fetcher run`.

    rate       of the engine, relative to the local rate, from the first commit to the last; runs
               alternate, and the median of the pairs counts
    start      seconds from the command to the first commit
    memory     of the engine's own process that runs a slot, without the slot, and of its other
               processes that `fetcher run` has started
    requests   that the site has seen, which are as many as lines if nothing fails
    heal       seconds from `kill -9` of the process that runs a slot to the next slot

Loopback only, with a local web site (or --null: nothing is fetched). All that is started is ended.
--save keeps the figures in tools/bench/results; then `python -m tools.bench docs` writes the table
of docs/engines.md.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.errors import UsageError
from tools.bench import figures
from tools.bench.figures import Rows, sample
from tools.bench.jobs import Job, run_job
from tools.bench.options import positive_int
from tools.bench.processes import Fleet, compile_modules
from tools.engines.healing import Healing, heal
from tools.engines.starting import ENGINES, START_S, Engine
from tools.site.running import RunningSite

_LIMIT_S: Final = 900.0


class Run(NamedTuple):
    """One whole job."""

    job: Job
    requests: int  # that the site has seen

    def __str__(self) -> str:
        return (
            f"{self.job.rows_per_s:,.0f} rows/s, first rows after "
            f"{self.job.first_commit_s or 0.0:.1f} s, {self.requests:,} requests for "
            f"{self.job.rows:,} lines"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.engines", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(ENGINES)}; without any, all of them"
    )
    parser.add_argument("--runs", type=positive_int, default=3, help="pairs of runs, and kills")
    parser.add_argument("--lines", type=positive_int, default=40_000)
    parser.add_argument("--workers", type=positive_int, default=2)
    parser.add_argument("--null", action="store_true", help="fetch nothing: the pipeline alone")
    parser.add_argument("--save", action="store_true", help="keep the figures")
    return parser


def main(words: list[str] | None = None) -> int:
    """Measure engines one after the other; the exit code."""
    parser = _parser()
    given = parser.parse_args(words)
    if unknown := set(given.names) - set(ENGINES):
        parser.error(f"unknown engines: {', '.join(sorted(unknown))}")
    if given.save and given.null:
        parser.error("--save keeps figures of a web site: leave --null out")
    if given.save:
        try:
            figures.require_room("engines")
        except UsageError as error:
            parser.error(str(error))
    compile_modules()
    for name in given.names or ENGINES:
        with tempfile.TemporaryDirectory(prefix="engines-") as folder:
            rows, versions = _measure(name, Path(folder), given)
        print(_line(name, rows), flush=True)
        if given.save:
            options = f"--runs {given.runs} --lines {given.lines} --workers {given.workers}"
            origin = shlex.join(["python", "-m", "tools.engines", name, *options.split()])
            figures.save("engines", {name: rows}, origin, note=versions)
    return 0


def _measure(name: str, folder: Path, given: argparse.Namespace) -> tuple[Rows, str]:
    """The figures, and the versions of the engine's programs."""
    with RunningSite() as site, Fleet() as fleet:
        urls = folder / "urls.txt"
        urls.write_text("".join(f"{site.base}/page/{n % 3000}\n" for n in range(given.lines)))
        common: tuple[object, ...] = ("--workers", given.workers, "--own-servers")
        common += (f"--set=engine.connect_s={START_S:g}",)
        with ENGINES[name](fleet, folder, given.workers) as engine:
            healing = heal(fleet, site.base, folder, common, engine, given.runs)
            common += ("--set=worker.transport=null",) if given.null else ()
            runs = _run_pairs(fleet, site, urls, folder, common, engine, given.runs)
    return _rows(runs, healing), engine.versions


def _run_pairs(
    fleet: Fleet,
    site: RunningSite,
    urls: Path,
    folder: Path,
    common: tuple[object, ...],
    engine: Engine,
    pairs: int,
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {"local": [], "engine": []}
    for number in range(pairs):
        for kind, by in (("local", Engine()), ("engine", engine)):
            out, options = folder / f"{kind}{number}", (*common, *by.options)
            site.reset()
            job = run_job(fleet, urls, out, *options, limit_s=_LIMIT_S, env=by.environ)
            run = Run(job, site.stats()["requests"])
            runs[kind].append(run)
            shutil.rmtree(out)
            print(f"{kind}: {run}", flush=True)
    return runs


def _rows(runs: dict[str, list[Run]], healing: Healing) -> Rows:
    pairs = zip(runs["local"], runs["engine"], strict=True)
    rows = {
        kind: {
            "rows_per_s": sample(each.job.rows_per_s for each in found),
            "first_rows_s": sample(each.job.first_commit_s or 0.0 for each in found),
            "requests_per_line": sample(each.requests / each.job.rows for each in found),
        }
        for kind, found in runs.items()
    }
    rows["engine"] |= {
        "rate_ratio": sample(other.job.rows_per_s / own.job.rows_per_s for own, other in pairs),
        "heal_s": sample(healing.seconds),
        "slot_mb": sample([healing.slot_mb]),
        "other_mb": sample([healing.other_mb]),
    }
    return rows


def _line(name: str, rows: Rows) -> str:
    engine = {figure: each.median for figure, each in rows["engine"].items()}
    return (
        f"{name}: {engine['rate_ratio']:.2f} of the local rate, first rows after "
        f"{engine['first_rows_s']:.1f} s (local {rows['local']['first_rows_s'].median:.1f} s), "
        f"{engine['slot_mb']:.0f} MB for a slot, {engine['other_mb']:.0f} MB otherwise, healed in "
        f"{engine['heal_s']:.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
