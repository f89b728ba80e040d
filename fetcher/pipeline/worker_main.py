"""`bootstrap.py fetcher.pipeline.worker_main SPEC`: patches, and only then becomes a worker.

Nobody imports this file; of ours, nothing is imported before but what patches.
"""

from fetcher.pipeline.patching import patch_all

patch_all()

import sys

from fetcher.errors import FetcherError
from fetcher.pipeline import worker
from fetcher.pipeline.interpreter import search_also
from fetcher.pipeline.process import read_spec
from fetcher.telemetry import logs

if __name__ == "__main__":
    spec = read_spec(sys.argv[1])
    search_also(spec.own_folders)
    try:
        sys.exit(worker.run(spec))
    except FetcherError as error:
        sys.exit(logs.complain(error))
