"""libcurl's own reading of a URL, by the URL functions of the library that pycurl has loaded."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import pycurl

_HOST, _PORT = 5, 6  # CURLUPART_…
_PATH_AS_IS = 1 << 4  # CURLU_…, as fetch.transfer.curl_options sets it
_DEFAULT_PORT = 1 << 0


@functools.cache
def _library() -> ctypes.CDLL | None:
    assert pycurl.version
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    for path in sorted(loaded):
        if "curl" not in Path(path).name:
            continue
        library = ctypes.CDLL(path)
        if hasattr(library, "curl_url"):
            library.curl_url.restype = ctypes.c_void_p
            return library
    return None


def has_library() -> bool:
    """Whether its functions can be called; not where pycurl contains libcurl."""
    return _library() is not None


def host_and_port(url: str) -> tuple[str, int] | None:
    """The host that libcurl would look up, IPv6 in brackets, and the port; None for no URL."""
    library = _library()
    assert library is not None
    handle = ctypes.c_void_p(library.curl_url())
    try:
        if library.curl_url_set(handle, 0, url.encode(), _PATH_AS_IS):
            return None
        return _part(library, handle, _HOST), int(_part(library, handle, _PORT))
    finally:
        library.curl_url_cleanup(handle)


def _part(library: ctypes.CDLL, handle: ctypes.c_void_p, part: int) -> str:
    text = ctypes.c_char_p()
    assert not library.curl_url_get(handle, part, ctypes.byref(text), _DEFAULT_PORT)
    assert text.value is not None
    try:
        return text.value.decode()
    finally:
        library.curl_free(text)
