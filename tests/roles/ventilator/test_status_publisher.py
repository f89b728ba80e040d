"""What the ventilator publishes of its status, and when."""

from __future__ import annotations

from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import LeaseRules
from fetcher.model import Batch
from fetcher.protocol import bounds, codec, messages
from fetcher.protocol.totals import Totals
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.watch.web.control_mailbox import ControlMailbox


def show(
    publisher: StatusPublisher, now: float, rows: int = 0, trouble: str = ""
) -> messages.Roster | None:
    """As the ventilator does with each state; one lease is out since 0."""
    ledger = Ledger(LeaseRules())
    ledger.add(Batch(0, 1, 0b11, b"u\nv"))
    ledger.take(0)
    state = messages.State("j", "running", Totals(rows), SourceInfo(), 0, 1, 0, 1)
    return publisher.publish(
        state, ledger, now, lines_read=2, hosts=0, sinks_silent_s=(0.5,), trouble=trouble
    )


def test_the_roster_is_published_for_a_while_after_a_look_and_never_otherwise() -> None:
    snapshot: Snapshot[VentilatorNumbers] = Snapshot(is_on=False)
    publisher = StatusPublisher(snapshot, ControlMailbox())
    publisher.receive(messages.Heartbeat("a", 4, 1, 0, [], []), 0)
    assert show(publisher, 1) is None
    publisher.receive(messages.Look(), 1)
    roster = show(publisher, 2, rows=50, trouble="x" * 10_000)
    assert roster is not None
    assert (roster.oldest_line, roster.oldest_s, roster.leased_lines) == (1, 2.0, 2)
    assert (roster.rate_per_s, len(roster.trouble)) == (50.0, bounds.MAX_TEXT)
    assert codec.decode(codec.encode(roster)) == (roster, b"")
    assert show(publisher, 3.9) is not None
    assert show(publisher, 4.1) is None
    assert snapshot.latest()[0] is None, "nobody looks at the snapshot"


def test_numbers_are_published_while_they_are_read_at_most_twice_a_second() -> None:
    snapshot: Snapshot[VentilatorNumbers] = Snapshot(is_on=True)
    publisher = StatusPublisher(snapshot, ControlMailbox())
    for now in (10.0, 10.3, 10.6):
        show(publisher, now, rows=int(now * 10), trouble="why")
        numbers, put_at = snapshot.latest()
        assert numbers is not None
        assert (put_at, numbers.state.totals.rows) == ((10.6, 106) if now > 10.5 else (10.0, 100))
        assert numbers.trouble == "why"
        assert (numbers.table.sent, numbers.lines_read) == (1, 2)
