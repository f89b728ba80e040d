"""The demo of `make run`: a local web site, its list of URLs, and a run that fetches them all.

Everything stays in demo/: the list, and the results in demo/out, which a new demo replaces.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tools.site.running import RunningSite

_DEMO = Path("demo")


def main() -> int:
    """Run the demo; the exit code is that of `fetcher run`."""
    shutil.rmtree(_DEMO, ignore_errors=True)
    _DEMO.mkdir()
    urls, out = _DEMO / "urls.txt", _DEMO / "out"
    with RunningSite(urls=urls) as site:
        print(f"A web site of our own runs at {site.base}; {urls} lists its pages.")
        command = ["run", str(urls), "-o", str(out), "--own-servers", *sys.argv[1:]]
        print(f"$ fetcher {' '.join(command)}\n", flush=True)
        # Ctrl-C is for the run, which then stops in good order; we wait for it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = subprocess.call([sys.executable, "-m", "fetcher", *command])
    if code == 0:
        print("\nNow try: .venv/bin/fetcher status demo/out")
        print("         .venv/bin/fetcher verify demo/out")
        print("         make run URLS=yourfile.txt")
    return code


if __name__ == "__main__":
    sys.exit(main())
