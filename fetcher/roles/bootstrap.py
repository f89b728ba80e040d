"""`python -P …/bootstrap.py MODULE [ARGUMENT…]`: runs a module of the package this file is in.

The package is found by this file's own path, so that another `fetcher` at the head of `sys.path` is
not taken for it. No module imports this file, and it imports nothing that gevent has to patch.
"""

import gc

gc.disable()  # until the modules are imported, see fetcher.roles.lifetime

import runpy
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _load_package() -> None:
    folder = Path(__file__).parents[1]
    spec = spec_from_file_location(
        "fetcher", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["fetcher"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load_package()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
