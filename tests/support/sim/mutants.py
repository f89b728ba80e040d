"""Possible mistakes, each as a small change; the simulator must catch every one."""

from __future__ import annotations

from typing import Final, NamedTuple

from fetcher.commit.committer import Committer
from fetcher.commit.session import CommitJob, CommitSession
from fetcher.leases.issuer import Issuer
from fetcher.leases.ledger import Ledger
from fetcher.leases.reissuer import Reissuer
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.sink_sessions import SinkSessions
from support.sim import route_mistakes, session_mistakes, sink_mistakes, ventilator_mistakes
from support.sim.disk import SimStore
from support.sim.routed_world import RoutedWorld
from support.sim.sink import SimSink
from support.sim.ventilator import SimLink, SimVentilator
from support.sim.world import World
from support.sim.worlds import Contested, Deadly, Faultless, Lying, Refusing


class Mutant(NamedTuple):
    """A world with a mistake, and whether its workers must be killed, or must not, to show it."""

    world: type[World]
    kill_workers: bool = True
    first_seed: int = 0  # to try: the run of one that shows the mistake soon, if others are long


def _mutant(
    name: str,
    *,
    committer: type[Committer] = Committer,
    store: type[SimStore] = SimStore,
    sink: type[SimSink] = SimSink,
    job: type[CommitJob] = CommitJob,
    commit_session: type[CommitSession] = CommitSession,
    ventilator: type[SimVentilator] = SimVentilator,
    ledger: type[Ledger] = Ledger,
    issuer: type[Issuer] = Issuer,
    reissuer: type[Reissuer] = Reissuer,
    sink_session: type[SinkSession] = SinkSession,
    sink_sessions: type[SinkSessions] = SinkSessions,
    link: type[SimLink] = SimLink,
    world: type[World] = World,
    kill_workers: bool = True,
    first_seed: int = 0,
) -> Mutant:
    """Put the given classes, with the defaults for all others, into a world."""
    sink_members = {
        "committer_class": committer,
        "store_class": store,
        "job_class": job,
        "session_class": commit_session,
    }
    sessions = type(f"{name}Sessions", (sink_sessions,), {"session_class": sink_session})
    ledger_members = {"issuer_class": issuer, "reissuer_class": reissuer}
    ventilator_members = {
        "ledger_class": type(f"{name}Ledger", (ledger,), ledger_members),
        "sessions_class": sessions,
        "link_class": link,
    }
    members = {
        "sink_class": type(f"{name}Sink", (sink,), sink_members),
        "ventilator_class": type(f"{name}Ventilator", (ventilator,), ventilator_members),
    }
    return Mutant(type(f"{name}World", (world,), members), kill_workers, first_seed)


MUTANTS: Final[dict[str, Mutant]] = {
    "ack before fsync": _mutant("Ack", committer=sink_mistakes.AckBeforeFsync),
    "dedupe held in memory only": _mutant("Dedupe", store=sink_mistakes.DedupeInMemoryOnly),
    "a ventilator that trusts its own cursor": _mutant(
        "Cursor", ventilator=ventilator_mistakes.TrustsItsCursor
    ),
    "no tail truncation": _mutant("Tail", store=sink_mistakes.NoTailTruncation),
    "a checkpoint ahead of the log": _mutant(
        "Ahead", committer=sink_mistakes.CheckpointAheadOfTheLog, first_seed=6
    ),
    "a batch done at its last index": _mutant("Last", committer=sink_mistakes.DoneAtItsLastIndex),
    "no fsync of the recovered tail": _mutant(
        "Recovered", store=sink_mistakes.NoSyncOfTheRecovered, first_seed=202
    ),
    "completion inferred from all sent": _mutant(
        "Sent", ventilator=ventilator_mistakes.CompleteWhenAllIsSent
    ),
    "pending rows forgotten in dedupe": _mutant(
        "Pending", committer=sink_mistakes.PendingForgotten
    ),
    "a full disk that acknowledges": _mutant("Full", committer=sink_mistakes.AcksOnAFullDisk),
    "no rewind after a failed record": _mutant("Rewind", store=sink_mistakes.NoRewind),
    "leases that never lapse": _mutant(
        "Lapse", ventilator=ventilator_mistakes.NeverHandsOutAgain, first_seed=21
    ),
    "returned parts that are forgotten": _mutant(
        "Returned", ledger=ventilator_mistakes.LosesWhatIsReturned
    ),
    "suspects that wait for a hung worker": _mutant(
        "Hung", issuer=ventilator_mistakes.WaitsForTheHung, first_seed=27
    ),
    "suspects that are tried in company": _mutant(
        "Company",
        issuer=ventilator_mistakes.TriesSuspectsInCompany,
        world=Deadly,
        kill_workers=False,
        first_seed=138,
    ),
    "the last line of a part that is condemned for its company": _mutant(
        "Company2",
        reissuer=ventilator_mistakes.CondemnsWhatWasLeftAlone,
        world=Deadly,
        kill_workers=False,
        first_seed=1240,
    ),
    "rows that are lost for ever": _mutant(
        "Endless", reissuer=ventilator_mistakes.FetchesOnAndOn, world=Refusing, first_seed=5
    ),
    "one worker that condemns what another would fetch": _mutant(
        "Believes",
        reissuer=ventilator_mistakes.BelievesOneWorker,
        world=Lying,
        kill_workers=False,
        first_seed=106,
    ),
    "a thaw of one share that thaws all": _mutant(
        "Thaw", ledger=ventilator_mistakes.ThawsAll, first_seed=126
    ),
    "one sink away that freezes all": _mutant(
        "Freeze", issuer=ventilator_mistakes.FreezesAll, first_seed=112
    ),
    "a thaw that ends a pause": _mutant(
        "Spring", ledger=ventilator_mistakes.ThawEndsThePause, first_seed=33
    ),
    "a resume that thaws a share whose sink is away": _mutant(
        "Resume", ledger=ventilator_mistakes.ResumeThawsAll, first_seed=70
    ),
    "a pause that gives no time back": _mutant(
        "Late", ledger=ventilator_mistakes.PauseCostsTime, kill_workers=False, first_seed=26
    ),
    "suspects that wait for a sink that is away": _mutant(
        "Away", issuer=ventilator_mistakes.WaitsForTheAway, first_seed=167
    ),
    "completion when the first sink is complete": _mutant(
        "First", sink_sessions=session_mistakes.CompleteWithTheFirst
    ),
    "one reader for all shares": _mutant("Reader", ventilator=ventilator_mistakes.OneReaderForAll),
    "each sink waiting for all lines": _mutant(
        "Count", sink_sessions=session_mistakes.TellsAllItsLines
    ),
    "a pause that dies with its ventilator": _mutant(
        "Forgets", ventilator=ventilator_mistakes.ForgetsThePause, first_seed=7
    ),
    "a tail that copies what waits": _mutant(
        "Copies", issuer=ventilator_mistakes.CopiesWhatWaits, world=Faultless, kill_workers=False
    ),
    "a lapse of what waits at a busy worker": _mutant(
        "Unseen",
        ledger=ventilator_mistakes.LosesSightOfWhatWaits,
        world=Faultless,
        kill_workers=False,
        first_seed=80,
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
    # -- routes ------------------------------------------------------------------------------
    "a tail copy for a worker of another route": _mutant(
        "CopyRoute", issuer=route_mistakes.CopiesToAnother, world=RoutedWorld, first_seed=65
    ),
    "a lease reissued to another route": _mutant(
        "ReissueRoute", issuer=route_mistakes.ReissuesToAnother, world=RoutedWorld
    ),
    "lines of several routes in one lease": _mutant(
        "MixRoutes", ledger=route_mistakes.MixesRoutes, world=RoutedWorld
    ),
    "completion while a route without workers has lines": _mutant(
        "StarvedEnd",
        sink_sessions=route_mistakes.CompleteWithoutTheStarved,
        world=RoutedWorld,
        first_seed=19,
    ),
    "routes that are read in step": _mutant(
        "Step", sink_session=route_mistakes.ReadsInStep, world=RoutedWorld, first_seed=26
    ),
    "commits forgotten before all routes have read them": _mutant(
        "RoutePartial", sink_session=route_mistakes.ForgetsWhatIsDone, world=RoutedWorld
    ),
    "later commits forgotten before all routes have read them": _mutant(
        "RouteAhead", ledger=route_mistakes.ForgetsWhatIsCommittedAhead, world=RoutedWorld
    ),
    # -- sessions: the ventilator's side -----------------------------------------------------
    "an answer to an old request taken": _mutant(
        "Stray", link=session_mistakes.TakesAnyAnswer, first_seed=3
    ),
    "a forgotten resync": _mutant(
        "Resync", sink_sessions=session_mistakes.ForgetsResync, first_seed=27
    ),
    "a forgotten thaw": _mutant("Ice", sink_sessions=session_mistakes.ForgetsToThaw, first_seed=21),
    "a full disk ignored": _mutant(
        "Stall", sink_sessions=session_mistakes.IgnoresAFullDisk, first_seed=6
    ),
    "a refusal ignored": _mutant(
        "Refusal", sink_sessions=session_mistakes.IgnoresRefusals, world=Contested
    ),
    "a silent sink ignored": _mutant("Silence", sink_sessions=session_mistakes.IgnoresSilence),
    "sinks opened before their job is known": _mutant(
        "Order", sink_sessions=session_mistakes.OpensWithoutOrder
    ),
    "a complete sink not asked until others are open": _mutant(
        "Alone", sink_sessions=session_mistakes.LeavesOthersAlone, first_seed=70
    ),
    "the lines of a share counted too early": _mutant(
        "Early", sink_sessions=session_mistakes.CountsTooEarly, first_seed=28
    ),
    "a journal called damaged before the input is counted": _mutant(
        "Judge", sink_sessions=session_mistakes.JudgesBeforeTheCount, first_seed=12
    ),
    "completion by the ventilator's own count": _mutant(
        "OwnCount", sink_sessions=session_mistakes.BelievesItsOwnCount, first_seed=118
    ),
    "a close believed before it is heard": _mutant(
        "Unheard", sink_sessions=session_mistakes.BelievesACloseUnheard
    ),
    "a take-over that the ledger does not learn of": _mutant(
        "Untold", sink_sessions=session_mistakes.ForgetsTheLedger
    ),
    "a take-over that keeps the old version": _mutant(
        "OldVersion", sink_session=session_mistakes.KeepsOldVersion
    ),
    "a take-over that keeps old suspects": _mutant(
        "OldSuspects", sink_session=session_mistakes.KeepsOldSuspects, world=Deadly, first_seed=13
    ),
    "a take-over with the suspects of what was read": _mutant(
        "ReadSuspects", sink_session=session_mistakes.KeepsTheSuspectsOfTheRead, world=Deadly
    ),
    "suspects told to a full disk and taken for kept": _mutant(
        "FullNote", sink_session=session_mistakes.TakesUntoldForTold, world=Deadly, first_seed=6
    ),
    "suspects found while a poll is out and taken for told": _mutant(
        "Between",
        sink_sessions=session_mistakes.TakesNewSuspectsForTold,
        world=Deadly,
        first_seed=6,
    ),
    "suspects of what is not read forgotten": _mutant(
        "Unread", sink_session=session_mistakes.ForgetsTheUnread, world=Deadly, first_seed=32
    ),
    "partly done batches handed out as a whole": _mutant(
        "Whole", sink_session=session_mistakes.ReadsWhatIsDone
    ),
    # -- sessions: the sink's side -----------------------------------------------------------
    "an epoch not compared": _mutant(
        "Epoch", committer=session_mistakes.ComparesNoEpoch, world=Contested, first_seed=66
    ),
    "a replaced ventilator answered": _mutant(
        "Replaced", commit_session=session_mistakes.AnswersTheReplaced, first_seed=40
    ),
    "a ventilator refused after the sink's restart": _mutant(
        "Stranger", commit_session=session_mistakes.RefusesStrangers
    ),
    "the job of a living ventilator given away": _mutant(
        "Given", commit_session=session_mistakes.GivesTheJobAway
    ),
    "polls that are no sign of life": _mutant(
        "Polls", commit_session=session_mistakes.ForgetsThePolls
    ),
    "a sink that leaves before it is told": _mutant(
        "Unasked", commit_session=session_mistakes.LeavesUnasked
    ),
    "a full disk not told": _mutant(
        "Hides", commit_session=session_mistakes.HidesAFullDisk, first_seed=6
    ),
    "complete before the rows are counted": _mutant(
        "Uncounted", job=session_mistakes.CompleteBeforeTheCount
    ),
    "complete before it is recorded": _mutant(
        "Unrecorded", job=session_mistakes.CompleteBeforeItIsRecorded
    ),
    "a note believed that the disk had no room for": _mutant(
        "Unkept", job=session_mistakes.TakesAFailedNoteForKept, world=Deadly, first_seed=6
    ),
}
