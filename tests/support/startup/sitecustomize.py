"""Lets supervisors of any program that has this folder in PYTHONPATH fork their roles.

See support.role_forks: a supervisor is a process that imports one of these modules.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# As role_forks.SUPERVISION; to import that would take time in programs that are no supervisor.
_SUPERVISION = ("fetcher.engines.children", "fetcher.roles.preflight")


class _Finder:
    """Finds these modules as Python does, and gives them another `subprocess`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in _SUPERVISION:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_replace(module: ModuleType) -> None:
            from support import role_forks  # noqa: PLC0415 (only supervisors need it)

            load(module)
            vars(module)["subprocess"] = role_forks.subprocesses()

        spec.loader.exec_module = load_and_replace  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder())
