"""gevent's monkey patching, in two parts, and with at most a single search for its plug-ins.

Before and after each module that it patches, gevent searches all installed packages for plug-ins.
These 25 searches took more than half of the time of patching, and importlib.metadata, which they
need, half of the rest (gevent.events.notify_and_call_entry_points, gevent 26.9).

To patch `ssl` and `subprocess` means to load them. A worker needs neither (libcurl does TLS), but
the modules of users may.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gevent import events, monkey

_GROUPS = b"[gevent.plugins."  # how the plug-ins' sections of entry_points.txt begin
_REST = {"ssl": monkey.patch_ssl, "subprocess": monkey.patch_subprocess}
_FOLDERS = (".dist-info", ".egg-info", ".egg")


def patch_all() -> None:
    """Patch as gevent.monkey.patch_all does; plug-ins are still found and called."""
    patch_most()
    patch_rest()


def patch_most() -> None:
    """Patch as gevent.monkey.patch_all does, without `ssl` and `subprocess`.

    If there may be plug-ins, all is patched, and they are called.
    """
    if _may_have_plugins():
        _patch_with_plugins()
        return
    with _without_plugins():
        monkey.patch_all(ssl=False, subprocess=False)


def patch_rest() -> None:
    """Patch `ssl` and `subprocess` too, before anything has imported them."""
    with _without_plugins():
        for name, patch in _REST.items():
            if not monkey.is_module_patched(name):
                patch()


@contextmanager
def _without_plugins() -> Iterator[None]:
    notify_all = events.notify_and_call_entry_points
    events.notify_and_call_entry_points = events.notify
    try:
        yield
    finally:
        events.notify_and_call_entry_points = notify_all


def _patch_with_plugins() -> None:
    from importlib import metadata  # noqa: PLC0415 (takes time to load)

    entry_points: Any = metadata.entry_points  # it has overloads for older Pythons
    metadata.entry_points = entry_points().select
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = entry_points


def _may_have_plugins() -> bool:
    """Whether an installed package has a plug-in; True also where that cannot be seen here."""
    for folder in sys.path:
        try:
            packages = [path for path in Path(folder).iterdir() if path.suffix in _FOLDERS]
        except FileNotFoundError:
            continue
        except OSError:  # packages in a zip file
            return True
        if any(map(_has_plugin, packages)):
            return True
    return False


def _has_plugin(package: Path) -> bool:
    if package.suffix == ".egg":  # its metadata is further inside
        return True
    if package.name.startswith("gevent-"):
        return False  # its own plug-in only warns of `signal` without `os`; both are patched here
    try:
        return _GROUPS in (package / "entry_points.txt").read_bytes()
    except OSError:
        return False  # it has no entry points at all
