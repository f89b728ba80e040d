"""Imports msgspec without `typing_extensions`, which takes half of the time of the import.

msgspec takes that package where it is installed, although this Python has all that msgspec needs of
it. For processes that run no code of users: their types may come from there.
"""

import sys

_UNNEEDED = "typing_extensions"

if _UNNEEDED not in sys.modules:
    sys.modules[_UNNEEDED] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules[_UNNEEDED]
