"""Repeats: while no manager is there, idle clients compute once more what is finished here but not delivered.

Rule: what a repeat brings is a vote and never the result; nothing is repeated while a manager of the task has a link.
"""

from disio_distributor.core.assignments import Batch
from disio_distributor.core.batching import batch_size, fair_share
from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.measuring import measure, prior_of, sane_seconds
from disio_distributor.core.parcels import assign_message, cut
from disio_distributor.core.roster import Capability, Session
from disio_distributor.core.state import State
from disio_distributor.core.votes import Votes
from disio_shared import messages
from disio_shared.messages import VoteColumns
from disio_shared.ranges import RangeSet, Run, runs_of
from disio_shared.values import invalid_values


class Repeats:
    """Hands repeats out and takes votes in."""

    def __init__(self, state: State) -> None:
        self._state = state

    def works_for(self, capability: Capability) -> list[TaskWork]:
        """Return tasks that a kind of client may find something to repeat of, in turn."""
        works = self._open(self._state.turns.runnable(capability))
        works.sort(key=lambda each: each.turn)
        return works

    def serve(self, session: Session, works: list[TaskWork], now: float) -> bool:
        """Give a client results of one of these tasks to check; tell whether there were any."""
        return any(self._give(work, session, now) for work in works)

    def tidy(self, work: TaskWork) -> None:
        """Forget what is not needed any more."""
        if work.votes is None:
            return
        if work.votes.out or self._open([work]):
            work.votes.prune(work.pending)
        else:
            work.votes = None

    def _open(self, works: list[TaskWork]) -> list[TaskWork]:
        """Return those with something to repeat."""
        linked = {link.cluster for link in self._state.links.values()}
        return [
            work
            for work in works
            if work.cluster not in linked and work.pending and work.manifest.when_exhausted == "repeat"
        ]

    def _votes(self, work: TaskWork) -> Votes:
        if work.votes is None:
            work.votes = Votes(self._state.outbox.heads_of(work.cluster, work.manifest.task))
        return work.votes

    def _give(self, work: TaskWork, session: Session, now: float) -> bool:
        state, task = self._state, work.manifest.task
        votes = self._votes(work)
        if not votes.has_any_for(session.client, work.manifest.max_redundancy):
            return False
        pace = session.pace(task)
        size = batch_size(
            state.settings, pace, session.slots, state.assignments.open_of(session.name, task), prior_of(work, session)
        )
        size = fair_share(size, len(work.pending), session.slots, *state.roster.capable_slots(work.manifest))
        found = votes.offer(session.client, size, state.settings.max_runs, work.manifest.max_redundancy)
        runs = [part for _, parts in work.blocks_of(found) for part in parts]
        if not runs:
            return False
        payloads = work.payloads_of(runs)
        runs, _ = cut(state.settings, work, runs, payloads)
        payloads = payloads[: sum(stop - start for start, stop in runs)]
        votes.handed_out(runs)
        batch = state.assign(session, work, runs, now, is_repeat=True)
        state.roster.answered(session)
        pace.batch = len(payloads)
        state.tell(session.name, assign_message(work, batch.token, runs, payloads, with_states=False))
        return True

    # What comes back

    def report(
        self,
        session: Session,
        work: TaskWork,
        batch: Batch | None,
        runs: list[Run],
        said: messages.Results | messages.Failed | messages.Checkpoint,
        now: float,
    ) -> messages.Stored:
        """Take in what a client says about a repeat.

        Args:
            session: Who says it.
            work: Of which task.
            batch: The live batch, if there is one.
            runs: What the token of an ended batch names.
            said: Results become votes, failures and saved states are dropped.
            now: Seconds on the core's clock.
        """
        accepted = 0
        if isinstance(said, messages.Results):
            accepted = self._voted(session, work, batch, runs, said, now)
        elif isinstance(said, messages.Failed):
            self._ended(work, session.client, batch, runs_of(said.indexes))
        self._state.work_appeared = self._state.work_appeared or not isinstance(said, messages.Checkpoint)
        is_live = batch is not None and batch.token in self._state.assignments.by_token
        return messages.Stored(accepted=accepted, dead=not is_live)

    def _voted(
        self, session: Session, work: TaskWork, batch: Batch | None, runs: list[Run], said: messages.Results, now: float
    ) -> int:
        state = self._state
        named = runs_of(said.indexes)
        if batch is not None:
            wanted = self._ended(work, session.client, batch, named)
        else:
            late = RangeSet(part for run in runs for part in RangeSet(named).within(*run))
            wanted = self._votes(work).wanted_of(session.client, late.runs(), work.manifest.max_redundancy)
        bad = set(invalid_values(said.values))
        keep = RangeSet(wanted)
        places: dict[int, int] = {}
        for at, index in enumerate(said.indexes):
            if index in keep and at not in bad and len(said.values[at]) <= state.settings.max_result_bytes:
                places.setdefault(index, at)
        if not places:
            return 0
        seconds = sane_seconds([said.seconds[at] for at in places.values()], work)
        columns = VoteColumns(
            task=work.manifest.task,
            indexes=list(places),
            values=[said.values[at] for at in places.values()],
            seconds=seconds,
            clients=[session.client],
            by=[0] * len(places),
        )
        self._votes(work).voted(session.client, runs_of(places))
        state.keep(work, runs_of(places), columns)
        measure(state, session, work, seconds, now)
        return len(places)

    def _ended(self, work: TaskWork, client: str, batch: Batch | None, runs: list[Run]) -> list[Run]:
        """Take units out of a live batch that a client has tried; return which it held."""
        taken = [] if batch is None else self._state.assignments.part(batch, runs)
        if taken:
            votes = self._votes(work)
            votes.given_back(taken)
            votes.tried(client, taken)
        return taken
