"""requests as well as it can be tuned on gevent: one session, its pools as large as ours."""

from gevent import monkey

monkey.patch_all()

import gevent.pool  # noqa: E402
import requests  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

from tools.bench.peers.arguments import options, write_count  # noqa: E402


def main() -> None:
    given = options("requests_pool")
    session = requests.Session()
    session.trust_env = False
    if given.ca:
        session.verify = str(given.ca)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=given.pool, pool_maxsize=given.pool))

    def fetch(url: str) -> bool:
        try:
            answer = session.get(url, timeout=given.timeout)
            return bool(answer.content) and answer.status_code == 200
        except Exception:
            return False

    write_count(given, sum(gevent.pool.Pool(given.pool).imap_unordered(fetch, given.urls)))


if __name__ == "__main__":
    main()
