"""`fetcher slot`: runs one slot of a job that was started elsewhere."""

from __future__ import annotations

import click

from fetcher.engines import slot_main


@click.command()
def slot() -> int:
    """Run one worker of a job that `fetcher run --engine command` has started elsewhere.

    Not to be called by hand: name it in engine.command, such as `ssh host fetcher slot` (see
    docs/engines.md). The job's data come by standard input. It ends when its standard input ends,
    when the job is complete, or after engine.slot_s.

    \b
    Example:
      fetcher run urls.txt -o out --engine command --workers 4 \\
          --set engine.bind=tcp://10.0.0.1:5700 \\
          --set 'engine.command=ssh node-{number} fetcher slot'
    """
    return slot_main.main()
