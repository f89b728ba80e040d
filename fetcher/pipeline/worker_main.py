"""`python -m fetcher.pipeline.worker_main SPEC`: patches, and only then becomes a worker.

Nobody imports this file; of ours, nothing is imported before but what patches.
"""

from fetcher.pipeline.patching import patch_all

patch_all()

import sys

from fetcher.errors import FetcherError
from fetcher.pipeline import worker
from fetcher.pipeline.process import read_spec
from fetcher.telemetry import logs

if __name__ == "__main__":
    try:
        sys.exit(worker.run(read_spec(sys.argv[1])))
    except FetcherError as error:
        sys.exit(logs.complain(error))
