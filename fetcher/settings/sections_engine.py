"""The section about engines: cluster programs that place and supervise the workers of a job."""

from __future__ import annotations

from typing import Annotated

from fetcher.settings import secrecy
from fetcher.settings.value_types import Seconds, Section, about, check_endpoint

_PORTS_AFTER_THE_FIRST = 4


class Engine(Section, frozen=True, kw_only=True):
    """How `fetcher run --engine` places workers on a cluster, and how these reach this host."""

    name: Annotated[
        str,
        about(
            "who places the workers: an engine of docs/engines.md; empty: this host",
            pattern=r"^[a-z]*\Z",
            kind="the name of an engine",
        ),
    ] = ""
    address: Annotated[
        str,
        about(
            "where the engine is: a broker's URL, a scheduler's address; empty: as the engine's "
            "own configuration says",
            hide=secrecy.credentials,
        ),
    ] = ""
    bind: Annotated[
        str,
        about(
            "address on which ventilator and sink listen for the workers; they use this port and "
            "the next four, and one more for each of the [[routes]]; port 0: free ones",
            pattern=r"^tcp://([0-9.]+|\[[0-9a-fA-F:]+\]):\d{1,5}\Z",
            kind="tcp://ADDRESS:PORT",
        ),
    ] = "tcp://127.0.0.1:0"
    advertise: Annotated[
        str,
        about(
            "address or name under which workers reach this host; empty: that of engine.bind",
            pattern=r"^[^\s/\[\]@]*\Z",
            kind="an address or host name",
        ),
    ] = ""
    connect_s: Annotated[
        Seconds, about("the job is given up if no worker has connected back after so long")
    ] = 120.0
    start_s: Annotated[
        Seconds, about("a slot that has not started after so long is dropped and placed again")
    ] = 60.0
    slot_s: Annotated[
        Seconds,
        about(
            "how long a slot works before it finishes its requests and is replaced; keep it below "
            "the time after which a broker hands out an unacknowledged task again"
        ),
    ] = 600.0
    idle_s: Annotated[
        Seconds, about("at the end of a job, a slot without lines ends after so long")
    ] = 30.0
    queue: Annotated[
        str,
        about(
            "queue of the slots, where the engine has queues; a route has a queue of its own, see "
            "[[routes]]",
            pattern=r"^[\w.-]{1,100}\Z",
            kind="a name of letters, digits, _ . and -",
        ),
    ] = "fetcher"
    command: Annotated[
        str,
        about(
            "for --engine command: the shell command that runs a slot somewhere, such as `srun -n1 "
            "fetcher slot`; {number} is the slot's number, from 1, and {queue} its queue; empty: a "
            "process of this host"
        ),
    ] = ""
    slot_cpus: Annotated[
        float,
        about(
            "for --engine ray: CPUs that Ray reserves for each slot; 0: none, so that slots also "
            "run where all CPUs are reserved",
            ge=0,
            le=1000,
        ),
    ] = 1.0
    secret: Annotated[
        str,
        about(
            "secret that this host and the engine's workers share: the job's key is derived from "
            "it, and slots that were not signed with it are refused",
            pattern=r"^([!-~]{16,200})?\Z",
            kind='16 to 200 visible ASCII characters, or ""',
            hide=secrecy.all_of,
        ),
    ] = ""
    secrets_dir: Annotated[
        str,
        about(
            "directory that this host and all workers see: the job's key and secret settings are "
            "in a file there while it runs"
        ),
    ] = ""

    def __post_init__(self) -> None:
        base, _, port = self.bind.rpartition(":")
        if int(port):
            check_endpoint(f"{base}:{int(port) + _PORTS_AFTER_THE_FIRST - 2}")
