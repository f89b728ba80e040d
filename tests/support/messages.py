"""One example of every message of the wire."""

from __future__ import annotations

from typing import Final

from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import CrawlTotals
from fetcher.input.formats import LOG, LineFormat
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection, Wanted
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import links, messages
from fetcher.protocol.login_messages import (
    LoggedIn,
    LogIn,
    LoginFailed,
    NeedSession,
    NoSession,
    Secrets,
    Session,
    SessionCookie,
    SessionHeader,
)
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals

_TOTALS: Final = Totals(rows=2, outcomes={"ok": 2}, statuses={200: 2}, body_bytes=10)
_SOURCE: Final = SourceInfo(
    checked_bytes=9, checked_sha256="ab", url_lines=3, at_end=True, fraction=1.0
)
_SELECTION: Final = Selection(
    parent="/p", parent_job="q", wanted=Wanted(("dns",), ("5xx",)), lines=2, sha256="cd"
)
_SAMPLES: Final = messages.Samples(
    hosts=[messages.HostLoad("h.test", 2, 7, 1)],
    failed_lines=[messages.FailedLine(3, "http_error", 404, "http://h.test/", "not found")],
)
_SECRETS: Final = Secrets(
    cookies=[SessionCookie("sid", "1", "a.test", True, "/", False, 1e9)],
    headers=[SessionHeader("https://a.test:443", "X-Token", "2")],
)
_SUSPECT: Final = messages.Suspect(batch=1, mask=b"\x01", deaths=2)

_LINKS: Final = links.encode(
    links.PageLinks((Link("http://a/b"), Link("http://a/c#d", "image", "http://a/c")))
)
_CRAWL: Final = messages.CrawlState(
    seeds=2, has_all_seeds=True, lines=9, totals=CrawlTotals(20, {0: 2, 1: 7}, {"scope": 11})
)

EXAMPLES: Final[dict[str, tuple[messages.AnyMessage, bytes | None]]] = {
    "tasks": (
        messages.Assignment(
            job="j",
            lease=1 << 33,
            batch=2,
            batch_mask=b"\x07",
            first_line=5,
            mask=b"\x05",
            format=LineFormat("csv", "\t", ("u", "id"), "u", True),
        ),
        b"http://a\nhttp://b",
    ),
    "chunk": (
        messages.ChunkHeader(
            job="j",
            batch=2,
            batch_mask=b"\x07",
            worker="w",
            lines=[5, 7],
            row_bytes=[2, 3],
            outcomes=[0, 1],
            statuses=[200, 404],
            body_bytes=[10, 0],
            retried=[7],
        ),
        b"{}{ }",
    ),
    "tasks_of_a_crawl": (
        messages.Assignment(
            job="j",
            lease=1,
            batch=0,
            batch_mask=b"\x0f",
            first_line=1,
            mask=b"\x01",
            format=LOG,
            crawl=CrawlRules(depth=3, deny=("/calendar/",)),
        ),
        b'{"url":"http://a"}',
    ),
    "tasks_after_a_log_in": (
        messages.Assignment(
            job="j",
            lease=1,
            batch=0,
            batch_mask=b"\x0f",
            first_line=1,
            mask=b"\x01",
            format=LineFormat("text"),
            logs_in=True,
        ),
        b"http://a",
    ),
    "tasks_of_a_route": (
        messages.Assignment(
            job="j",
            lease=1,
            batch=0,
            batch_mask=b"\x0f",
            first_line=1,
            mask=b"\x01",
            format=LineFormat("text"),
            route="eu",
        ),
        b"http://a",
    ),
    "chunk_of_a_crawl": (
        messages.ChunkHeader(
            job="j",
            batch=0,
            batch_mask=b"\x0f",
            worker="w",
            lines=[1, 2],
            row_bytes=[2, 3],
            outcomes=[0, 0],
            statuses=[200, 200],
            body_bytes=[10, 0],
            depths=[0, 1],
            hops=[0, 2],
            link_bytes=[len(_LINKS), 0],
        ),
        b"{}{ }" + links.packed(_LINKS),
    ),
    "chunk_of_a_refresh": (
        messages.ChunkHeader(
            job="j",
            batch=2,
            batch_mask=b"\x07",
            worker="w",
            lines=[5],
            row_bytes=[2],
            outcomes=[0],
            statuses=[304],
            body_bytes=[10],
            unchanged=[5],
        ),
        b"{}",
    ),
    "claim": (messages.Claim(worker="w", lease=7), None),
    "returned": (messages.Returned(worker="w", lease=7), None),
    "returned_some": (messages.Returned(worker="w", lease=7, mask=b"\x05"), None),
    "finished": (messages.Finished(worker="w", lease=7), None),
    "heartbeat": (
        messages.Heartbeat(
            worker="w",
            slots=4,
            in_flight=2,
            queued=1,
            held=[7, 8],
            parked=[8],
            longest_s=[21.5, 0.0],
            slow={7: b"\x06"},
            waiting=[9],
            is_hungry=True,
        ),
        None,
    ),
    "heartbeat_of_a_route": (
        messages.Heartbeat("w", 4, 2, 1, [7], [], routes=["eu"]),
        None,
    ),
    "progress": (
        messages.Progress(
            worker="w",
            rows=9,
            parked=1,
            samples=_SAMPLES,
            lag_ms=150,
            turns_s={1 << 62: 2.5},
            most_in_flight=3,
        ),
        None,
    ),
    "want": (messages.Want(worker="w", ticket=3, hosts=[1, 1 << 62]), None),
    "release": (messages.Release(worker="w", hosts=[1], tickets=[3], rests_s=[0.5]), None),
    "owned": (
        messages.Owned(worker="w", hosts=[1], tickets=[3], resting=[2], rests_s=[0.5], answers=4),
        None,
    ),
    "grant": (messages.Grant(worker="w", hosts=[1], tickets=[3]), None),
    "unneeded": (messages.Unneeded(lease=7, mask=b"\x02"), None),
    "recall": (messages.Recall(worker="w", hosts=[1], tickets=[3]), None),
    "grant_all": (messages.GrantAll(worker="w", ticket=4), None),
    "recall_all": (messages.RecallAll(worker="w", ticket=4), None),
    "bye": (messages.Bye(worker="w"), None),
    "gone": (messages.Gone(worker="w"), None),
    "state": (
        messages.State(
            job="j",
            phase="running",
            totals=_TOTALS,
            source=_SOURCE,
            in_flight=1,
            workers=2,
            redelivered=3,
            ventilator_number=5,
            copied=1,
            turns=messages.Turns(2.5, is_all=True),
        ),
        None,
    ),
    "state_of_a_crawl": (
        messages.State(
            job="j",
            phase="running",
            totals=_TOTALS,
            source=_SOURCE,
            in_flight=1,
            workers=2,
            redelivered=3,
            ventilator_number=5,
            crawl=CrawlTotals(9, {0: 1, 1: 3}, {"scope": 5}),
        ),
        None,
    ),
    "state_with_routes": (
        messages.State(
            job="j",
            phase="running",
            totals=_TOTALS,
            source=_SOURCE,
            in_flight=1,
            workers=2,
            redelivered=3,
            ventilator_number=5,
            is_hungry=True,
            routes=messages.Routes(["default", "eu"], ["eu"], ["default"], [3, 0], [4, 1]),
        ),
        None,
    ),
    "need_session": (NeedSession(worker="w", after=3), None),
    "log_in": (LogIn(worker="w", ticket=4, after=3), None),
    "logged_in": (LoggedIn(worker="w", ticket=4, secrets=_SECRETS), None),
    "login_failed": (LoginFailed(worker="w", ticket=4, error="no"), None),
    "session": (Session(generation=5, secrets=_SECRETS), None),
    "no_session": (NoSession(generation=5), None),
    "look": (messages.Look(), None),
    "roster": (
        messages.Roster(
            job="j",
            trouble="full",
            rate_per_s=1.5,
            leases=2,
            leased_lines=5,
            open_batches=1,
            waiting=3,
            oldest_line=7,
            oldest_s=0.5,
            oldest_worker="w",
            workers=[messages.Member("w", 0.25, 4, 2, 1, 1, 2, 9, 2.5)],
            unlisted=1,
            samples=_SAMPLES,
        ),
        None,
    ),
    "roster_with_routes": (
        messages.Roster(
            job="j",
            trouble="",
            rate_per_s=1.5,
            leases=2,
            leased_lines=5,
            open_batches=1,
            waiting=3,
            oldest_line=7,
            oldest_s=0.5,
            oldest_worker="w",
            workers=[],
            unlisted=0,
            routes=[messages.RouteLoad("eu", 1, 2, 3, 4)],
        ),
        None,
    ),
    "open": (
        messages.Open(
            session="s",
            input=messages.InputSpec(name="n", path="/n", file_bytes=9, source=_SOURCE),
            batch_size=4,
            settings={"http": {"x": 1, "y": None}},
            version="0",
            share=Share(1, 3),
            job="j",
        ),
        None,
    ),
    "open_some": (
        messages.Open(
            session="s",
            input=messages.InputSpec(
                name="n", path="/n", file_bytes=9, source=_SOURCE, selection=_SELECTION
            ),
            batch_size=4,
            settings={},
            version="0",
        ),
        None,
    ),
    "open_of_a_crawl": (
        messages.Open(
            session="s",
            input=messages.InputSpec(
                name="n", path="/n", file_bytes=9, source=_SOURCE, crawl=CrawlRules(scope="any")
            ),
            batch_size=4,
            settings={},
            version="0",
        ),
        None,
    ),
    "open_of_a_refresh": (
        messages.Open(
            session="s",
            input=messages.InputSpec(
                name="n", path="/n", file_bytes=9, source=_SOURCE, refresh=Refresh("/out", "p")
            ),
            batch_size=4,
            settings={},
            version="0",
        ),
        None,
    ),
    "opened_of_a_crawl": (
        messages.Opened(
            job="j",
            batch_size=4,
            source=_SOURCE,
            done=b"",
            partial={},
            suspects=[],
            totals=_TOTALS,
            epoch="e",
            version=5,
            complete=False,
            crawl=_CRAWL,
        ),
        None,
    ),
    "seeds": (
        messages.Seeds(session="s", first=1, texts=b'{"url":"http://b"}', at_end=True),
        None,
    ),
    "seeded": (messages.Seeded(crawl=_CRAWL, stalled="full"), None),
    "opened": (
        messages.Opened(
            job="j",
            batch_size=4,
            source=_SOURCE,
            done=b"\x01",
            partial={3: b"\x02"},
            suspects=[_SUSPECT],
            totals=_TOTALS,
            epoch="e",
            version=5,
            complete=False,
        ),
        None,
    ),
    "poll": (
        messages.Poll(
            session="s", epoch="e", version=5, source=_SOURCE, url_lines=3, suspects=[_SUSPECT]
        ),
        None,
    ),
    "committed": (
        messages.Committed(
            version=6, changed={3: b"", 4: b"\x01"}, totals=_TOTALS, complete=True, stalled="full"
        ),
        None,
    ),
    "poll_of_a_crawl": (
        messages.Poll(session="s", epoch="e", version=5, source=_SOURCE, log_from=7),
        None,
    ),
    "committed_of_a_crawl": (
        messages.Committed(
            version=6,
            changed={0: b"\x01"},
            totals=_TOTALS,
            complete=False,
            crawl=_CRAWL,
            log=messages.LogPage(7, 10, b"\x05", b'{"url":"http://g"}\n{"url":"http://i"}'),
        ),
        None,
    ),
    "resync": (messages.Resync(), None),
    "close": (messages.Close(session="s"), None),
    "closed": (messages.Closed(), None),
    "refused": (messages.Refused(reason="no", exit_code=4), None),
}
