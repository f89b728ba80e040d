"""`python -m fetcher.pipeline.worker_main SPEC`: patches, and only then becomes a worker.

Nobody imports this file, and nothing is imported before it but two packages that import nothing.
"""

from gevent import monkey

monkey.patch_all()

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
