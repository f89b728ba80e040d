"""`fetcher keys`: makes the keys for roles on separate hosts."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.options import FILE
from fetcher.security import keygen

_INIT = """\
The keys are in {directory}. Copy each folder, as a whole, to one host and nowhere else:

  {directory}/ventilator      fetcher ventilator URLFILE --keys ventilator …
  {directory}/sink            fetcher sink -o OUT --keys sink …
  {directory}/workers/NAME    fetcher worker --keys NAME …

Keep their modes when you copy them (scp -rp, rsync -a): a secret key that others can read is
refused. Keep {directory} itself: `fetcher keys add-worker` makes the keys of new workers there.
To revoke a worker, delete NAME.key from the folder `allowed` on the hosts of the ventilator and of
the sink: within a second, its messages are refused. The ventilator's key is revoked at the sink in
the same way."""

_ADDED = """\
For each new worker, from {directory}:

  workers/NAME                    to its host: fetcher worker --keys NAME …
  ventilator/allowed/NAME.key     into the folder `allowed` at the ventilator
  sink/allowed/NAME.key           into the folder `allowed` at the sink

Do the last two first; running roles see a new file at once."""

_DIRECTORY = click.argument("directory", type=FILE, metavar="DIR")


@click.group
def keys() -> None:
    """Make the CURVE keys by which roles on separate hosts authenticate and encrypt messages.

    \b
    Examples:
      fetcher keys init keys worker-a worker-b
      fetcher keys add-worker keys worker-c
    """


@keys.command(short_help="Make a folder of keys for each host.")
@_DIRECTORY
@click.argument("workers", nargs=-1, metavar="[NAME]...")
def init(directory: Path, workers: tuple[str, ...]) -> None:
    """Make DIR with a folder for the ventilator, one for the sink and one for each worker NAME.

    Name a worker after its host, for example; the names of its processes begin with it, and appear
    in their rows.

    \b
    Examples:
      fetcher keys init keys worker-a worker-b
    """
    keygen.init(directory, workers)
    click.echo(_INIT.format(directory=directory))


@keys.command("add-worker", short_help="Make the keys of one more worker.")
@_DIRECTORY
@click.argument("workers", nargs=-1, required=True, metavar="NAME...")
def add_worker(directory: Path, workers: tuple[str, ...]) -> None:
    """Make a folder in DIR for each worker NAME, and add their keys to the lists of the servers.

    \b
    Examples:
      fetcher keys add-worker keys worker-c
    """
    keygen.add_workers(directory, workers)
    click.echo(_ADDED.format(directory=directory))
