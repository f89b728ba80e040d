"""`bootstrap.py fetcher.roles.worker_main SPEC`: patches this process, then becomes a worker.

Nothing of the package is imported before patching. No module imports this file; tests do, in a
process of their own.
"""

from fetcher.roles.monkeypatch import patch_most, patch_rest

patch_most()

import sys
from typing import NoReturn

from fetcher.errors import FetcherError
from fetcher.roles import lifetime
from fetcher.roles.interpreter import names_own_code, search_also
from fetcher.roles.spec import RoleSpec, child_code, read_spec
from fetcher.roles.worker import role
from fetcher.telemetry import logs


def main() -> NoReturn:
    """Run the worker of the spec, and end the process."""
    spec = read_spec(sys.argv[1])
    search_also(spec.own_folders)
    if names_own_code(spec.settings):
        patch_rest()
        sys.exit(_run(spec))  # it calls the exit functions of the user's modules, too
    lifetime.leave(_run(spec))


def _run(spec: RoleSpec) -> int:
    try:
        return child_code(role.run(spec))
    except FetcherError as error:
        return logs.complain(error)


if __name__ == "__main__":
    main()
