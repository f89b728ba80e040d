"""`python -m support.differing_main`: the same requests over two adapters, in a patched process.

Reads a JSON list of cases from standard input; writes a JSON list of pairs, what the stock adapter
of requests showed and what ours did.
"""

from gevent import monkey

monkey.patch_all()

import hashlib
import importlib
import json
import sys
from typing import Any

import msgspec
import requests
import urllib3.filepost
from requests.adapters import BaseAdapter, HTTPAdapter

from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.settings.schema import Settings

SETTINGS = {
    "guard": {"allow": ["127.0.0.0/8", "::1/128"]},
    "dns": {"timeout_s": 1.0, "tries": 1},
}


def _shown(response: requests.Response) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "reason": response.reason,
        "headers": [
            [name, value]
            for name, value in response.raw.headers.items()
            if name.lower() not in ("date", "server")
        ],
        "merged": dict(response.headers).get("X-Twice"),
        "body": hashlib.sha256(response.content).hexdigest(),
        "said": response.json() if response.content.startswith(b"{") else None,
        "url": response.url,
        "history": [[hop.status_code, hop.url, len(hop.content)] for hop in response.history],
        "cookies": sorted(response.cookies.items()),
        "encoding": response.encoding,
        "links": response.links,
    }


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    arguments = dict(case.get("with", {}))
    if "auth" in case:
        name, *given = case["auth"]
        arguments["auth"] = getattr(importlib.import_module("requests.auth"), name)(*given)
    if case.get("generator"):
        arguments["data"] = (part.encode() for part in case["generator"])
    if case.get("hook"):
        arguments["hooks"] = {"response": lambda response, **_: setattr(response, "reason", "hook")}
    if case.get("stream"):
        arguments["stream"] = True
    return arguments


def _one(adapter: BaseAdapter, case: dict[str, Any]) -> dict[str, Any]:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers.update(case.get("session_headers", {}))
    session.cookies.update(case.get("cookies", {}))
    try:
        for before in case.get("before", ()):
            session.get(before)
        response = session.request(case["method"], case["url"], **_arguments(case))
        return {**_shown(response), "jar": sorted(session.cookies.items())}
    except Exception as error:
        return {"error": type(error).__name__}


def main() -> None:
    """See the module docstring."""
    urllib3.filepost.choose_boundary = lambda: "boundary"
    ours = CurlAdapter(Connections(msgspec.convert(SETTINGS, Settings)))
    stock = HTTPAdapter()
    pairs = []
    for case in json.load(sys.stdin):
        # Not on a connection that the server is just closing: unlike ours, the stock adapter
        # takes that for an error, now and then.
        stock.close()
        pairs.append((_one(stock, case), _one(ours, case)))
    json.dump(pairs, sys.stdout)


if __name__ == "__main__":
    main()
