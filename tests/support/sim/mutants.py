"""Mistakes that somebody could make, each as a small change; the simulator must catch every one."""

from __future__ import annotations

from typing import Final, NamedTuple

from fetcher.core.intake import Intake
from fetcher.core.ledger import Ledger
from support.sim import sink_mistakes, ventilator_mistakes
from support.sim.disk import SimStore
from support.sim.roles import SimSink
from support.sim.ventilator import SimVentilator
from support.sim.world import Deadly, Faultless, Lying, Refusing, World


class Mutant(NamedTuple):
    """A world with a mistake, and whether its workers must be killed, or must not, to show it."""

    world: type[World]
    kill_workers: bool = True


def _mutant(
    name: str,
    *,
    intake: type[Intake] = Intake,
    store: type[SimStore] = SimStore,
    sink: type[SimSink] = SimSink,
    ventilator: type[SimVentilator] = SimVentilator,
    ledger: type[Ledger] = Ledger,
    world: type[World] = World,
    kill_workers: bool = True,
) -> Mutant:
    sink = type(f"{name}Sink", (sink,), {"intake_class": intake, "store_class": store})
    ventilator = type(f"{name}Ventilator", (ventilator,), {"ledger_class": ledger})
    members = {"sink_class": sink, "ventilator_class": ventilator}
    return Mutant(type(f"{name}World", (world,), members), kill_workers)


MUTANTS: Final[dict[str, Mutant]] = {
    "ack before fsync": _mutant("Ack", intake=sink_mistakes.AckBeforeFsync),
    "dedupe held in memory only": _mutant("Dedupe", store=sink_mistakes.DedupeInMemoryOnly),
    "a ventilator that trusts its own cursor": _mutant(
        "Cursor", ventilator=ventilator_mistakes.TrustsItsCursor
    ),
    "no tail truncation": _mutant("Tail", store=sink_mistakes.NoTailTruncation),
    "a checkpoint ahead of the log": _mutant("Ahead", intake=sink_mistakes.CheckpointAheadOfTheLog),
    "a batch done at its last index": _mutant("Last", intake=sink_mistakes.DoneAtItsLastIndex),
    "no fsync of the recovered tail": _mutant(
        "Recovered", store=sink_mistakes.NoSyncOfTheRecovered
    ),
    "completion inferred from all sent": _mutant(
        "Sent", ventilator=ventilator_mistakes.CompleteWhenAllIsSent
    ),
    "pending rows forgotten in dedupe": _mutant("Pending", intake=sink_mistakes.PendingForgotten),
    "a full disk that acknowledges": _mutant("Full", intake=sink_mistakes.AcksOnAFullDisk),
    "no rewind after a failed record": _mutant("Rewind", store=sink_mistakes.NoRewind),
    "leases that never lapse": _mutant("Lapse", ventilator=ventilator_mistakes.NeverHandsOutAgain),
    "returned pieces that are forgotten": _mutant(
        "Returned", ledger=ventilator_mistakes.LosesWhatIsReturned
    ),
    "suspects that wait for a hung worker": _mutant(
        "Hung", ledger=ventilator_mistakes.WaitsForTheHung
    ),
    "suspects that are tried in company": _mutant(
        "Company",
        ledger=ventilator_mistakes.TriesSuspectsInCompany,
        world=Deadly,
        kill_workers=False,
    ),
    "rows that are lost for ever": _mutant(
        "Endless", ledger=ventilator_mistakes.FetchesOnAndOn, world=Refusing
    ),
    "one worker that condemns what another would fetch": _mutant(
        "Believes",
        ledger=ventilator_mistakes.BelievesOneWorker,
        world=Lying,
        kill_workers=False,
    ),
    "a thaw of one share that thaws all": _mutant("Thaw", ledger=ventilator_mistakes.ThawsAll),
    "one sink away that freezes all": _mutant("Freeze", ledger=ventilator_mistakes.FreezesAll),
    "a thaw that ends a pause": _mutant("Spring", ledger=ventilator_mistakes.ThawEndsThePause),
    "a resume that thaws a share whose sink is away": _mutant(
        "Resume", ledger=ventilator_mistakes.ResumeThawsAll
    ),
    "a pause that gives no time back": _mutant(
        "Late", ledger=ventilator_mistakes.PauseCostsTime, kill_workers=False
    ),
    "suspects that wait for a sink that is away": _mutant(
        "Away", ledger=ventilator_mistakes.WaitsForTheAway
    ),
    "completion when the first sink is complete": _mutant(
        "First", ventilator=ventilator_mistakes.CompleteWithTheFirst
    ),
    "one reader for all shares": _mutant("Reader", ventilator=ventilator_mistakes.OneReaderForAll),
    "each sink waiting for all lines": _mutant(
        "Count", ventilator=ventilator_mistakes.TellsAllItsLines
    ),
    "a pause that dies with its ventilator": _mutant(
        "Forgets", ventilator=ventilator_mistakes.ForgetsThePause
    ),
    "a tail that copies what waits": _mutant(
        "Copies", ledger=ventilator_mistakes.CopiesWhatWaits, world=Faultless, kill_workers=False
    ),
    "a lapse of what waits at a busy worker": _mutant(
        "Unseen",
        ledger=ventilator_mistakes.LosesSightOfWhatWaits,
        world=Faultless,
        kill_workers=False,
    ),
    "a lapse of what waits for its hosts": _mutant(
        "Impatient",
        ledger=ventilator_mistakes.TakesSlownessForAStall,
        world=Faultless,
        kill_workers=False,
    ),
    "rows committed at the wrong sink": _mutant(
        "Wrong", sink=sink_mistakes.TakesAnyShare, world=ventilator_mistakes.SendsByLine
    ),
}
