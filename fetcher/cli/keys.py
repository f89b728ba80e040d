"""`fetcher keys`: who is who when the roles run on separate hosts."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.options import FILE
from fetcher.security import keygen

_INIT = """\
Keys are in {directory}. Each folder goes, whole, to one host, and nowhere else:

  {directory}/ventilator      fetcher ventilator URLFILE --keys ventilator …
  {directory}/sink            fetcher sink -o OUT --keys sink …
  {directory}/workers/NAME    fetcher worker --keys NAME …

Copy them so that they stay private (scp -rp, rsync -a): a secret key that others can read is
refused. Keep {directory} itself where new workers are made (fetcher keys add-worker).
To revoke a worker, delete NAME.key from the folder `allowed` at the ventilator and at the sink,
there where they run: within a second nothing of it counts any more. The ventilator's key is
revoked at the sink in the same way."""

_ADDED = """\
For each new worker, from {directory}:

  workers/NAME                    to its host: fetcher worker --keys NAME …
  ventilator/allowed/NAME.key     into the folder `allowed` at the ventilator
  sink/allowed/NAME.key           into the folder `allowed` at the sink

Do the last two first; roles that run see a new file at once."""

_DIRECTORY = click.argument("directory", type=FILE, metavar="DIR")


@click.group(short_help="Make the keys for roles on separate hosts.")
def keys() -> None:
    """Keys (CURVE) by which roles on separate hosts know each other, and encrypt what they say.

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

    A worker's name is one host's, say; all its processes have it in theirs, and so in their rows.

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
    """Make a folder for each worker NAME in DIR, and put their keys on the servers' lists there.

    \b
    Examples:
      fetcher keys add-worker keys worker-c
    """
    keygen.add_workers(directory, workers)
    click.echo(_ADDED.format(directory=directory))
