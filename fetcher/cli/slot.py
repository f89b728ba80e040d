"""`fetcher slot`: runs one slot of a job that was started elsewhere."""

from __future__ import annotations

import click

from fetcher.engines import slot_main


@click.command()
def slot() -> int:
    """Run one worker of a job; `fetcher run --engine command` writes to its standard input.

    It is for commands such as `ssh host fetcher slot`: see engine.command and docs/engines.md. It
    ends with its standard input, when the job is complete, or after engine.slot_s.

    \b
    Example:
      fetcher run urls.txt -o out --engine command --workers 4 \\
          --set engine.bind=tcp://10.0.0.1:5700 \\
          --set 'engine.command=ssh node-{number} fetcher slot'
    """
    return slot_main.main()
