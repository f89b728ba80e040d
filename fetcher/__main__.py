"""`python -m fetcher` and the `fetcher` program."""

from __future__ import annotations

import signal

# A Ctrl-C while the program loads waits until it can be told in a line; see fetcher.cli.main.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

from fetcher.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
