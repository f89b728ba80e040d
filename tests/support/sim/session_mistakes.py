"""Possible mistakes in the sessions of ventilator and sinks, each as a small change."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.commit.committer import Committer
from fetcher.commit.session import CommitJob, CommitSession
from fetcher.input.source_info import SourceInfo
from fetcher.leases.sink_notices import Notice
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.protocol import messages
from support.sim.ventilator import SimLink

# -- the ventilator's side -------------------------------------------------------------------


class TakesAnyAnswer(SimLink):
    """Takes an answer for that to its last request, whichever request it answers."""

    is_correlated = False


class ForgetsResync(SinkSessions):
    """Goes on polling a sink that has started again."""

    def receive(self, one: SinkSession, answer: messages.AnyMessage, now: float) -> list[Notice]:
        notices = super().receive(one, answer, now)
        one.must_open &= not isinstance(answer, messages.Resync)
        return notices


class ForgetsToThaw(SinkSessions):
    """Leaves a share frozen whose sink is back."""

    def _committed(self, one: SinkSession, news: messages.Committed, now: float) -> list[Notice]:
        was_frozen = self._ledger.is_frozen(one.index)
        notices = super()._committed(one, news, now)
        if was_frozen:
            self._ledger.freeze(now, one.index)
        return notices


class IgnoresAFullDisk(SinkSessions):
    """Hands out for a sink that can commit nothing."""

    def _committed(self, one: SinkSession, news: messages.Committed, now: float) -> list[Notice]:
        return super()._committed(one, replace(news, stalled=""), now)


class IgnoresRefusals(SinkSessions):
    """Hands out for a sink that another ventilator has."""

    def _refused(self, one: SinkSession, refused: messages.Refused, now: float) -> list[Notice]:
        was_frozen = self._ledger.is_frozen(one.index)
        notices = super()._refused(one, refused, now)
        if not was_frozen:
            self._ledger.thaw(now, one.index)
        return notices


class IgnoresSilence(SinkSessions):
    """Hands out for a sink that does not answer."""

    def judge_silence(self, now: float) -> list[Notice]:
        return []


class OpensWithoutOrder(SinkSessions):
    """Opens each sink at once, when it is not known yet which job it is."""

    def request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage | None:
        return self._offer(one.share) if one.must_open else super().request(one, source)


class LeavesOthersAlone(SinkSessions):
    """Asks nothing of a sink as long as others are not open."""

    def request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage | None:
        request = super().request(one, source)
        return None if one.is_asked_early else request


class CountsTooEarly(SinkSessions):
    """Tells a sink how many lines it was read for, before all of them were read."""

    def _count_share(self, one: SinkSession, source: SourceInfo) -> None:
        if source.at_end and one.lines_read:
            one.url_lines = one.lines_read


class TellsAllItsLines(SinkSessions):
    """Lets each sink wait for the lines of all."""

    def _count_share(self, one: SinkSession, source: SourceInfo) -> None:
        one.url_lines = source.url_lines if source.at_end else None


class JudgesBeforeTheCount(SinkSessions):
    """Calls a journal damaged because the input is not counted yet."""

    def _check_consistent(self, one: SinkSession, news: messages.Committed, now: float) -> None:
        lines, one.url_lines = one.url_lines, -1 if one.url_lines is None else one.url_lines
        super()._check_consistent(one, news, now)
        one.url_lines = lines


class CompleteWithTheFirst(SinkSessions):
    """Asks the first sink only whether all is done."""

    @property
    def is_complete(self) -> bool:
        return self._all[0].is_complete


class BelievesItsOwnCount(SinkSessions):
    """Takes a sink with as many rows as lines for complete, before the sink says so."""

    @property
    def is_complete(self) -> bool:
        return all(one.totals.rows == one.url_lines for one in self._all)


class BelievesACloseUnheard(SinkSessions):
    """Leaves once it has asked its sinks to close."""

    @property
    def is_closed(self) -> bool:
        return self._is_closing


class ForgetsTheLedger(SinkSessions):
    """Does not tell the ledger what a sink that started again has."""

    def _opened(self, one: SinkSession, opened: messages.Opened, now: float) -> list[Notice]:
        ledger = self._ledger
        committed, ledger.committed = ledger.committed, lambda *_: None  # type: ignore[method-assign]
        notices = super()._opened(one, opened, now)
        ledger.committed = committed  # type: ignore[method-assign]
        return notices


class TakesUntoldForTold(SinkSession):
    """Tells no more of suspects, though the sink had no room for them."""

    def update(self, news: messages.Committed) -> None:
        super().update(news)
        self._unsaved_suspects = None


class TakesNewSuspectsForTold(SinkSessions):
    """Takes an answer for one to suspects that were found while it was on its way."""

    def receive(self, one: SinkSession, answer: messages.AnyMessage, now: float) -> list[Notice]:
        self._ledger.suspects_if_changed(one.index)
        return super().receive(one, answer, now)


class ForgetsTheUnread(SinkSession):
    """Tells only the suspects of batches that were read."""

    def poll(
        self, session: str, source: SourceInfo, suspects: list[messages.Suspect] | None
    ) -> messages.Poll:
        unread, self._suspects = self._suspects, {}
        poll = super().poll(session, source, suspects)
        self._suspects = unread
        return poll


class KeepsOldSuspects(SinkSession):
    """Keeps the suspects of a sink that is taken over again."""

    def take_over(self, opened: messages.Opened) -> None:
        before = self._suspects
        super().take_over(opened)
        for batch, several in before.items():
            self._suspects[batch] = several + self._suspects.get(batch, [])


class KeepsTheSuspectsOfTheRead(SinkSession):
    """Takes the suspects of batches that were read from a sink, as if they were not."""

    def take_over(self, opened: messages.Opened) -> None:
        positions, self._positions = self._positions, [-1] * len(self._positions)
        super().take_over(opened)
        self._positions = positions


class KeepsOldVersion(SinkSession):
    """Polls a sink that was taken over again from the version that it had before."""

    def take_over(self, opened: messages.Opened) -> None:
        super().take_over(replace(opened, version=self._version))


class ReadsWhatIsDone(SinkSession):
    """Forgets, of batches that are not read yet, what is committed."""

    def take_over(self, opened: messages.Opened) -> None:
        super().take_over(opened)
        self._partial = {}


# -- the sink's side -------------------------------------------------------------------------


class AnswersTheReplaced(CommitSession):
    """Answers every ventilator that has had the job."""

    def answer(self, request: messages.AnyMessage, now: float) -> messages.AnyMessage:
        if isinstance(request, messages.Poll | messages.Close) and self._ventilator:
            request = replace(request, session=self._ventilator)
        return super().answer(request, now)


class RefusesStrangers(CommitSession):
    """Takes a ventilator from before its own start for one that was replaced."""

    def answer(self, request: messages.AnyMessage, now: float) -> messages.AnyMessage:
        answer = super().answer(request, now)
        if isinstance(answer, messages.Resync) and not self._ventilator:
            return messages.Refused(reason="who are you?", exit_code=4)
        return answer


class GivesTheJobAway(CommitSession):
    """Opens the job for every ventilator that asks."""

    def _open(self, request: messages.Open, now: float) -> messages.AnyMessage:
        self._ventilator = ""
        return super()._open(request, now)


class ForgetsThePolls(CommitSession):
    """Takes a ventilator for dead that has opened the job long ago, however often it polls."""

    def answer(self, request: messages.AnyMessage, now: float) -> messages.AnyMessage:
        heard_at = self._heard_at
        answer = super().answer(request, now)
        if isinstance(request, messages.Poll):
            self._heard_at = heard_at
        return answer


class LeavesUnasked(CommitSession):
    """Leaves as soon as the job is complete."""

    def may_leave(self, now: float) -> bool:
        return self.is_complete


class HidesAFullDisk(CommitSession):
    """Does not say that nothing can be committed."""

    def _poll(self, job: CommitJob, poll: messages.Poll) -> messages.AnyMessage:
        answer = super()._poll(job, poll)
        return replace(answer, stalled="") if isinstance(answer, messages.Committed) else answer


class CompleteBeforeTheCount(CommitJob):
    """Calls the job complete when the input is counted, whatever the rows are."""

    def check_complete(self) -> None:
        if self._facts.is_input_counted:
            self._facts = replace(self._facts, share_url_lines=self.committer.totals.rows)
        super().check_complete()


class CompleteBeforeItIsRecorded(CommitJob):
    """Says that the job is complete while the last work goes on."""

    def check_complete(self) -> None:
        super().check_complete()
        if self.is_finishing:
            self._facts = replace(self._facts, is_complete=True)


class TakesAFailedNoteForKept(CommitJob):
    """Believes a count that the disk had no room for."""

    def note(
        self,
        source: SourceInfo,
        suspects: list[messages.Suspect] | None,
        share_url_lines: int | None,
    ) -> None:
        facts = self._facts
        try:
            super().note(source, suspects, share_url_lines)
        except Exception:
            self._facts = replace(facts, suspects=facts.suspects if suspects is None else suspects)
            raise


class ComparesNoEpoch(Committer):
    """Takes a version of an earlier life for one of its own."""

    def changed_since(self, epoch: str, version: int) -> dict[int, bytes] | None:
        return super().changed_since(self._epoch, version)
