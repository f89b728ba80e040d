"""`bootstrap.py fetcher.roles.worker_main SPEC`: patches this process, then becomes a worker.

Nothing of the package is imported before patching. No module imports this file.
"""

from fetcher.roles.monkeypatch import patch_all

patch_all()

import sys

from fetcher.errors import FetcherError
from fetcher.roles.interpreter import search_also
from fetcher.roles.spec import read_spec
from fetcher.roles.worker import role
from fetcher.telemetry import logs

if __name__ == "__main__":
    spec = read_spec(sys.argv[1])
    search_also(spec.own_folders)
    try:
        sys.exit(role.run(spec))
    except FetcherError as error:
        sys.exit(logs.complain(error))
