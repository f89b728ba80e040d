"""Replaces settings of [http] by the `verify`, `cert` and `proxies` of one request.

What the stock adapter refuses is refused with the same exception. `verify=True` and missing
arguments leave the settings as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import requests
from requests import exceptions as rx
from requests.adapters import HTTPAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from fetcher.settings.schema import Http

_STOCK: Final = HTTPAdapter()  # used for its checks of verify and cert
_PROXY_PORTS: Final = {"http": 80, "https": 443, "socks5h": 1080}


def http_of(
    http: Http,
    request: requests.PreparedRequest,
    verify: bool | str | None,
    cert: Any,
    proxies: Mapping[str, str] | None,
) -> Http:
    """The settings for this request. Raises OSError, InvalidProxyURL, InvalidSchema."""
    changes = _tls_changes(request.url or "", verify, cert)
    proxy = select_proxy(request.url or "", dict(proxies)) if proxies else None
    if proxy:
        changes["proxy"] = _proxy(proxy)
    return msgspec.structs.replace(http, **changes) if changes else http


def _tls_changes(url: str, verify: bool | str | None, cert: Any) -> dict[str, Any]:
    checked = SimpleNamespace()
    _STOCK.cert_verify(  # type: ignore[no-untyped-call]
        checked, url, True if verify is None else verify, cert
    )
    changes: dict[str, Any] = {}
    if not verify and verify is not None:
        changes["verify_tls"] = False
    elif isinstance(verify, str):
        changes |= {"verify_tls": True, "ca_file": verify}
    if cert:
        changes["client_cert"] = checked.cert_file
        changes["client_key"] = checked.key_file or ""
    return changes


def _proxy(given: str) -> str:
    """The proxy's URL in the form of http.proxy."""
    try:
        url: str = prepend_scheme_if_needed(given, "http")  # type: ignore[no-untyped-call]
        parts = parse_url(url)
    except LocationParseError:
        parts = Url()
    if not parts.host:
        raise rx.InvalidProxyURL(
            "Please check proxy URL. It is malformed and could be missing the host."
        )
    # The proxy looks up names: a name looked up here would have to pass the guard.
    scheme = "socks5h" if parts.scheme == "socks5" else parts.scheme
    if scheme not in _PROXY_PORTS:
        raise rx.InvalidSchema(
            f"proxy scheme {parts.scheme!r} is not supported (http, https and socks5h are)"
        )
    auth = f"{parts.auth}@" if parts.auth else ""
    return f"{scheme}://{auth}{parts.host}:{parts.port or _PROXY_PORTS[scheme]}"
