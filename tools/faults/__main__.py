"""`python -m tools.faults`: a cluster on this machine, and everything that can go wrong with it.

Each fault is done to a running job whose roles have addresses of their own; afterwards every line
must have exactly one row. Exit code 1 where one has not, or a fault could not be tried.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tools.faults import shim as shims
from tools.faults.cluster import INSECURE, Cluster, FaultError, RoleArguments
from tools.faults.faults import FAULTS, Fault, Scene, begins_at
from tools.faults.network import NotPermittedError, choose, make
from tools.faults.report import Outcome, markdown
from tools.faults.shim import Shim
from tools.faults.sweep import sweep

LATENCY_MS = 150
SWEEPS = {
    "killed-at-each-write": "kill -9 of the sink before each write, sync and rename of a job",
    "killed-in-each-write": "the same, after the first half of each write",
}


def run_fault(
    fault: Fault, directory: Path, library: Path, network_kind: str, arguments: RoleArguments
) -> tuple[Outcome, str]:
    """One fault from start to end, and the network that it was done on."""
    hosts = ["ventilator", "sink", "site", *(f"worker{n}" for n in range(1, 5))]
    network = make(network_kind, hosts)
    disk = directory / "disk"
    out = disk / "out" if fault.small_disk else directory / "job" / "out"
    began = time.monotonic()
    error = said = ""
    refetched = 0
    cluster = None
    try:
        if fault.small_disk:
            disk.mkdir(parents=True)
            mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
            subprocess.run(mount, check=True, capture_output=True)
        cluster = Cluster(
            network,
            directory / "job",
            lines=fault.lines,
            latency_ms=LATENCY_MS,
            settings=fault.settings,
            role_arguments=arguments,
            out=out,
            pad_bytes=fault.pad_bytes,
        )
        scene = Scene(cluster, Shim(library, directory / "shim", out))
        if fault.prepare is not None:
            fault.prepare(scene)
        began = time.monotonic()
        cluster.start_all(fault.workers)
        cluster.until_committed(begins_at(fault))
        said = fault.act(scene)
        cluster.finish(fault.within_s)
        took_s = time.monotonic() - began
        cluster.prove()
        refetched = cluster.refetched()
        if refetched > fault.most_refetched * fault.lines:
            error = f"a storm: {refetched} of {fault.lines} lines were fetched again"
    except (FaultError, OSError, RuntimeError, subprocess.SubprocessError) as wrong:
        took_s = time.monotonic() - began
        error = f"{type(wrong).__name__}: {wrong}"
    finally:
        if cluster is not None:
            cluster.close()
        network.close()
        if fault.small_disk:
            subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
    peak = dict(cluster.peak_bytes) if cluster is not None else {}
    outcome = Outcome(fault.name, fault.what, error, said, took_s, fault.lines, refetched, peak)
    return outcome, network.mechanism


def run_sweep(name: str, directory: Path, library: Path) -> Outcome:
    """One of the sweeps."""
    began = time.monotonic()
    error = said = ""
    try:
        said = sweep(directory, library, torn=name == "killed-in-each-write")
    except FaultError as wrong:
        error = str(wrong)
    return Outcome(name, SWEEPS[name], error, said, time.monotonic() - began)


def _role_arguments(given: Sequence[str]) -> RoleArguments:
    found = dict(INSECURE)
    for each in given:
        role, equals, text = each.partition("=")
        if not equals or role not in ("ventilator", "sink", "worker"):
            raise SystemExit(f"--role-arguments {each}: ROLE=ARGUMENTS, such as sink=--insecure")
        found[role] = shlex.split(text)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.faults",
        description=__doc__,
        epilog="Faults: " + ", ".join([*FAULTS, *SWEEPS]),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which faults (default: all)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument(
        "--network",
        choices=("auto", "netns", "proxy"),
        default="auto",
        help="network namespaces (as root), or proxies between loopback addresses",
    )
    parser.add_argument(
        "--role-arguments",
        action="append",
        default=[],
        metavar="ROLE=ARGUMENTS",
        help="for the command line of ventilator, sink or worker, instead of --insecure",
    )
    return parser


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(143)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the faults; 1 where one of them has found something."""
    options = _parser().parse_args(arguments)
    arguments_of = _role_arguments(options.role_arguments)
    unknown = [name for name in options.names if name not in FAULTS and name not in SWEEPS]
    if unknown:
        print(f"no such fault: {', '.join(unknown)}; see --help", file=sys.stderr)
        return 2
    # A plain SIGTERM would skip the blocks that end what was started.
    signal.signal(signal.SIGTERM, _leave)
    try:
        kind, why = choose(options.network)
    except NotPermittedError as error:
        print(f"--network=netns: {error}", file=sys.stderr)
        return 1
    outcomes: list[Outcome] = []
    mechanism = ""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as temporary:
        library = shims.build(Path(temporary))
        for name in options.names or [*FAULTS, *SWEEPS]:
            directory = Path(temporary) / name
            if name in SWEEPS:
                outcome = run_sweep(name, directory, library)
            else:
                outcome, used = run_fault(FAULTS[name], directory, library, kind, arguments_of)
                if not mechanism:
                    mechanism = f"{used} ({why})" if why else used
                    print(f"network: {mechanism}", flush=True)
            outcomes.append(outcome)
            print(outcome.line(), flush=True)
            if outcome.error:
                print(outcome.error, file=sys.stderr, flush=True)
            if options.table is not None:  # a run of half an hour may be interrupted
                options.table.parent.mkdir(exist_ok=True)
                before = options.table.read_text("utf-8") if options.table.exists() else ""
                options.table.write_text(markdown(outcomes, mechanism, before), "utf-8")
    return 1 if any(outcome.error for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
