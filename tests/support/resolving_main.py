"""`python -m support.resolving_main`: patches, then takes steps with a Resolver.

Reads {"dns": settings, "ip_version": .., "ipv6": .., "steps": [..]} from standard input. A step is
{"resolve": [hosts]}, all at once, or {"count": N, "pattern": "n%d.test", "at_once": M}, or
{"sleep": seconds}, or {"give_up": host, "after": seconds, "others": N}: N + 1 callers of one name
of which the first gives up, or {"close": [hosts]}, while these are looked up, or {"more": [hosts]}:
resolves them, then gives what `resolve_more` adds. Writes a line a step that resolves, then one
line of facts.
"""

from gevent import monkey

monkey.patch_all()

import gc
import json
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gevent
import gevent.pool

from fetcher.fetch.dns import resolver as dns
from fetcher.fetch.failures import Failure
from fetcher.roles import lifetime
from fetcher.settings.schema import Dns


def one(resolver: dns.Resolver, host: str, give_up_s: float | None = None) -> list[Any]:
    """[addresses, outcome, error, seconds]."""
    began = time.monotonic()
    addresses: tuple[str, ...] = ()
    outcome = error = None
    try:
        with gevent.Timeout(give_up_s, False):
            addresses = resolver.resolve(host)
    except Failure as failure:
        outcome, error = failure.outcome.value, failure.message
    return [addresses, outcome, error, time.monotonic() - began]


def many(resolver: dns.Resolver, hosts: Iterable[str], at_once: int) -> list[Any]:
    """All of them, in their order."""
    return list(gevent.pool.Pool(at_once).imap(lambda host: one(resolver, host), hosts))


def take(resolver: dns.Resolver, step: dict[str, Any]) -> list[Any] | None:
    """The results of one step."""
    if "sleep" in step:
        gevent.sleep(step["sleep"])
        return None
    if "more" in step:
        many(resolver, step["more"], len(step["more"]))
        return [[resolver.resolve_more(host), None, None, 0.0] for host in step["more"]]
    if "close" in step:
        waiting = [gevent.spawn(one, resolver, host) for host in step["close"]]
        gevent.sleep(0.1)
        resolver.close()
        return [each.get() for each in waiting]
    if "give_up" in step:
        first = gevent.spawn(one, resolver, step["give_up"], step["after"])
        others = [gevent.spawn(one, resolver, step["give_up"]) for _ in range(step["others"])]
        return [each.get() for each in (first, *others)]
    if "count" in step:
        hosts = (step["pattern"] % number for number in range(step["count"]))
        results = many(resolver, hosts, step["at_once"])
        return [result for result in results if result[1]][:1] or results[-1:]
    return many(resolver, step["resolve"], len(step["resolve"]))


def main() -> None:
    """See the module docstring."""
    lifetime.imported()
    order = json.load(sys.stdin)
    dns._has_ipv6 = lambda: order["ipv6"]
    resolver = dns.Resolver(Dns(**order["dns"]), order["ip_version"])
    for step in order["steps"]:
        results = take(resolver, step)
        if results is not None:
            sys.stdout.write(json.dumps(results) + "\n")
    # Let the look-ups end that were given up.
    gevent.sleep(0.1)
    gc.collect()
    status = Path("/proc/self/status").read_text()
    facts = {
        "greenlets": sum(isinstance(each, gevent.Greenlet) for each in gc.get_objects()),
        "sockets": sum(
            str(link.readlink()).startswith("socket:")
            for link in Path("/proc/self/fd").iterdir()
            if link.is_symlink()
        ),
        "threads": threading.active_count(),
        "tasks": int(status.split("Threads:")[1].split()[0]),
        "cached": len(resolver._cache),
        "asking": len(resolver._pending),
        "rss_bytes": int(status.split("VmRSS:")[1].split()[0]) * 1024,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
