"""`python -m fetcher` and the `fetcher` program."""

from __future__ import annotations

from fetcher.cli.main import main

if __name__ == "__main__":
    main()
