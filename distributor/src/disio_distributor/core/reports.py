"""What clients say about their assignments: results, failures, saved states, progress, payloads given back.

Rule: a token is believed only for its owner and its indexes; an index that is not open any more is dropped without
a word, because repeats and late answers are normal.
"""

from collections.abc import Sequence

from disio_distributor.core import changes, commands, tries
from disio_distributor.core.assignments import Batch
from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.foreign import Foreign
from disio_distributor.core.keyring import Read
from disio_distributor.core.measuring import measure, sane_seconds
from disio_distributor.core.past import logs_of
from disio_distributor.core.repeats import Repeats
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared import messages
from disio_shared.messages import ResultColumns
from disio_shared.ranges import RangeSet, Run, indexes_of, runs_of
from disio_shared.values import invalid_values, is_valid_value

Report = messages.Results | messages.Failed | messages.Checkpoint | messages.Progress | messages.Release


class Claim:
    """A verified token and what is held of it now."""

    __slots__ = ("batch", "foreign", "is_repeat", "runs", "task", "token", "work")

    def __init__(
        self, token: str, batch: Batch | None, work: TaskWork, read: Read | None = None, is_foreign: bool = False
    ) -> None:
        self.token, self.batch, self.work = token, batch, work
        self.foreign = read if is_foreign else None
        """What the token says, when a sibling made it."""
        self.is_repeat = batch.is_repeat if batch is not None else read is not None and read.token.is_repeat
        self.task = work.manifest.task
        self.runs: list[Run] = [] if read is None else read.token.runs
        """What the token names, when no live batch is of it."""

    def is_dead(self) -> bool:
        """Tell whether nothing of the token is still open."""
        if self.batch is not None or any(self.work.is_open(index) for run in self.runs for index in range(*run)):
            return False
        # What a sibling's token names beside this is the sibling's to judge.
        return self.foreign is None or len(self.work.judged(self.runs)) == len(RangeSet(self.runs))


class Reports:
    """Takes in what clients report."""

    def __init__(self, state: State, repeats: Repeats) -> None:
        self._state, self._repeats = state, repeats
        self._foreign = Foreign(state)

    def take(self, session: Session, message: Report, request: int, now: float) -> None:
        """Take a report in and acknowledge it."""
        if isinstance(message, messages.Release):
            self._release(session, message, request)
            return
        claim = self._claim(session, message.token, now)
        if isinstance(message, messages.Progress):
            self._progress(session, claim, message, now)
            return
        session.active_at = now
        problem = _lengths_problem(message)
        if problem:
            self._refuse(session, request, problem)
        elif claim is None:
            self._unclaimed(session, message, request, now)
        elif claim.is_repeat:
            stored = self._repeats.report(session, claim.work, claim.batch, claim.runs, message, now)
            self._stored(session, request, stored.accepted, stored.dead)
        elif isinstance(message, messages.Results):
            self._results(session, claim, message, request, now)
        elif isinstance(message, messages.Failed):
            longest = self._state.settings.max_error_chars
            errors = [_error_text(*each)[:longest] for each in zip(message.errors, message.kinds, strict=True)]
            accepted = self._failures(session, claim, message.indexes, errors, now, message)
            self._stored(session, request, accepted, claim.is_dead())
        else:
            self._checkpoint(session, claim, message, request)

    def adopt(self, session: Session, tokens: Sequence[str], now: float) -> None:
        """Lease to a returning client again what it still holds and nobody else has got."""
        unwanted: dict[str, list[str]] = {}
        limit = self._state.settings.max_holding
        for token in tokens[:limit]:
            claim = self._claim(session, token, now)
            if claim is None or not self._adopt(session, claim, now):
                unwanted.setdefault("" if claim is None else claim.task, []).append(token)
        if len(tokens) > limit:
            unwanted.setdefault("", []).extend(tokens[limit:])
        for task, dead in unwanted.items():
            self._state.tell(session.name, messages.Cancel(task=task, tokens=dead))

    def _claim(self, session: Session, token: str, now: float) -> Claim | None:
        """Verify a token; a live batch of it lives on."""
        state = self._state
        batch = state.assignments.by_token.get(token)
        if batch is not None:
            if batch.client != session.client or batch.task not in state.tasks:
                return None
            batch.started, batch.is_spared = True, False
            self._extend(session, batch, now)
            return Claim(token, batch, state.tasks[batch.task])
        found = state.keyring.read(token)
        if found is None or found.token.client != session.client:
            return None
        work = state.tasks.get(found.token.task)
        if work is None or found.cluster not in ("", work.cluster):
            return None
        return Claim(token, None, work, found, state.is_foreign(found))

    def _unclaimed(self, session: Session, message: Report, request: int, now: float) -> None:
        """Answer what is about no task here: only a sibling's token is worth something, and only what it brought."""
        read = None if isinstance(message, messages.Release) else self._state.keyring.read(message.token)
        if read is None or read.token.client != session.client or not self._state.is_foreign(read):
            self._stored(session, request, 0, dead=True)
            return
        accepted = 0
        if isinstance(message, messages.Results):
            accepted = self._foreign.results(session, message, read, now)
        self._stored(session, request, accepted, dead=False)

    def _extend(self, session: Session, batch: Batch, now: float) -> None:
        """Extend a lease, and those of batches that wait behind it in the client's queue."""
        state = self._state
        until = now + state.settings.lease_s
        state.assignments.extend(batch, until)
        for other in state.assignments.of_session(session.name):
            if not other.started and now - other.sent_at < state.settings.unstarted_s:
                state.assignments.extend(other, until)

    def _adopt(self, session: Session, claim: Claim, now: float) -> bool:
        state = self._state
        if claim.batch is not None:
            self._take_over(session, claim.batch)
            return True
        runs = [] if claim.is_repeat else claim.work.claim(claim.runs)
        if not runs:
            return False
        batch = Batch(claim.token, claim.task, session, runs, now)
        batch.started = True
        state.assignments.add(batch, now + state.settings.lease_s)
        return True

    def _take_over(self, session: Session, batch: Batch) -> None:
        """Move a batch to the session that names it; the one before it is the dead end of a broken connection."""
        state, before = self._state, batch.session
        if before == session.name:
            return
        for each in state.assignments.of_session(before):
            state.assignments.move(each, session.name)
        if state.roster.remove(before) is not None:
            state.do(commands.CloseClient(before))

    # Results

    def _results(self, session: Session, claim: Claim, said: messages.Results, request: int, now: float) -> None:
        limit = self._state.settings.max_result_bytes
        bad = invalid_values(said.values)
        if max(map(len, said.values), default=0) > limit:
            bad = sorted({*bad, *(at for at, value in enumerate(said.values) if len(value) > limit)})
        good = said if not bad else _without(said, set(bad))
        accepted = self._accept(session, claim, good, now) if good.indexes else 0
        if claim.foreign is not None:
            accepted += self._foreign.results(session, good, claim.foreign, now)
        if bad:
            errors = [_result_error(said.values[at], limit) for at in bad]
            self._failures(session, claim, [said.indexes[at] for at in bad], errors, now, said)
        self._stored(session, request, accepted, claim.is_dead())

    def _accept(self, session: Session, claim: Claim, said: messages.Results, now: float) -> int:
        runs = self._open_part(claim, runs_of(said.indexes))
        count = sum(stop - start for start, stop in runs)
        if not count:
            return 0
        if count < len(said.indexes):
            said = _only(said, set(indexes_of(runs)))
        seconds = sane_seconds(said.seconds, claim.work)
        columns = ResultColumns(
            task=claim.task,
            indexes=said.indexes,
            values=said.values,
            seconds=seconds,
            clients=[session.client],
            by=[0] * count,
        )
        self._state.close(claim.work, runs, columns, logs_of(said, said.indexes))
        measure(self._state, session, claim.work, seconds, now)
        session.units += count
        session.rate.add(count, now)
        if claim.batch is not None:
            self._state.assignments.moved(claim.batch, now)
        if claim.work.manifest.when_exhausted == "repeat" and not self._state.links_of(claim.work.cluster):
            self._state.work_appeared = True
        return count

    def _open_part(self, claim: Claim, runs: list[Run]) -> list[Run]:
        """Return which of ``runs`` are the token's and open; take them out of the batches they are in."""
        state = self._state
        asked = sum(stop - start for start, stop in runs)
        found: list[Run] = []
        if claim.batch is not None:
            found = state.assignments.part(claim.batch, runs)
            if sum(stop - start for start, stop in found) == asked:
                return found
        return sorted(found + self._late_part(claim, RangeSet(runs).difference(found)))

    def _late_part(self, claim: Claim, rest: RangeSet) -> list[Run]:
        """Return the open part of what this token names but its live batch does not hold."""
        found = self._state.keyring.read(claim.token)
        named = RangeSet() if found is None else RangeSet(found.token.runs)
        late = runs_of(index for index in rest.indexes() if index in named and claim.work.is_open(index))
        if late:
            self._state.cancel(claim.task, late)
        return late

    # Failures

    def _failures(
        self,
        session: Session,
        claim: Claim,
        indexes: Sequence[int],
        errors: Sequence[str],
        now: float,
        said: messages.Results | messages.Failed,
    ) -> int:
        """Note failed tries; those of payloads that are neither with this batch nor waiting unharmed do not count."""
        named, batch = RangeSet(claim.runs), claim.batch
        counted: dict[int, str] = {}
        for index, error in zip(indexes, errors, strict=True):
            live = batch is not None and bool(self._state.assignments.part(batch, [(index, index + 1)]))
            if live or (index in named and claim.work.is_unharmed(index)):
                counted.setdefault(index, error)
        if counted:
            session.pace(claim.task).batch = 1
            session.failures += len(counted)
            if batch is not None:
                self._state.assignments.moved(batch, now)
            errors = list(counted.values())
            tries.failed(self._state, claim.work, session.client, list(counted), errors, logs_of(said, counted))
        return len(counted)

    # The rest

    def _checkpoint(self, session: Session, claim: Claim, said: messages.Checkpoint, request: int) -> None:
        state, work = self._state, claim.work
        holds = claim.batch is not None and said.index in claim.batch.open
        grown = len(said.state) - len(work.checkpoints.get(said.index, b""))
        fits = len(said.state) <= state.settings.max_state_bytes
        fits = fits and state.space.leases and state.states_bytes + grown <= state.settings.max_states_bytes
        if not holds or not fits or not is_valid_value(said.state):
            self._stored(session, request, 0, claim.is_dead())
            return
        state.states_bytes += grown
        work.checkpoints[said.index] = said.state
        state.save(changes.PutCheckpoint(claim.task, said.index, said.state))
        self._stored(session, request, 1, dead=False)

    def _progress(self, session: Session, claim: Claim | None, said: messages.Progress, now: float) -> None:
        """A sign of life: of a lease that ran out as well, as long as nobody else was given its payloads."""
        if claim is None:
            self._state.tell(session.name, messages.Cancel(task="", tokens=[said.token]))
        elif not self._adopt(session, claim, now):
            self._state.tell(session.name, messages.Cancel(task=claim.task, tokens=[said.token]))

    def _release(self, session: Session, said: messages.Release, request: int) -> None:
        if len(said.tokens) != len(said.indexes):
            self._refuse(session, request, "Release has tokens and indexes of different lengths")
            return
        released = 0
        for token, indexes in zip(said.tokens, said.indexes, strict=True):
            batch = self._state.assignments.by_token.get(token)
            if batch is not None and batch.client == session.client:
                released += self._state.release(batch, runs_of(indexes) if indexes else batch.open.runs())
        self._stored(session, request, released, dead=False)

    def _stored(self, session: Session, request: int, accepted: int, dead: bool) -> None:
        if request:
            self._state.do(commands.Reply(session.name, request, messages.Stored(accepted=accepted, dead=dead)))

    def _refuse(self, session: Session, request: int, problem: str) -> None:
        """Answer a message that breaks the protocol, and close this peer alone."""
        error = messages.Error(code="malformed", reason=problem)
        if request:
            self._state.do(commands.Reply(session.name, request, error))
        else:
            self._state.tell(session.name, error)
        self._state.do(commands.CloseClient(session.name))


def _lengths_problem(message: messages.Results | messages.Failed | messages.Checkpoint) -> str:
    columns: tuple[Sequence[object], ...] = ()
    if not isinstance(message, messages.Checkpoint) and len(message.logged) != len(message.logs):
        return f"{type(message).__name__} has logs of other units than it says"
    if isinstance(message, messages.Results):
        columns = (message.indexes, message.values, message.seconds)
    elif isinstance(message, messages.Failed):
        columns = (message.indexes, message.errors, message.kinds)
    return f"{type(message).__name__} has columns of different lengths" if len(set(map(len, columns))) > 1 else ""


def _error_text(text: str, kind: str) -> str:
    return text if kind == "error" and text else f"{kind}: {text}" if text else kind


def _result_error(value: bytes, limit: int) -> str:
    if len(value) > limit:
        return f"result: {len(value)} bytes, at most {limit} are taken"
    return "result: not a JSON value"


def _without(said: messages.Results, bad: set[int]) -> messages.Results:
    return _picked(said, [at for at in range(len(said.indexes)) if at not in bad])


def _only(said: messages.Results, wanted: set[int]) -> messages.Results:
    """Return the first result of each wanted index."""
    places: list[int] = []
    for at, index in enumerate(said.indexes):
        if index in wanted:
            wanted.discard(index)
            places.append(at)
    return _picked(said, places)


def _picked(said: messages.Results, places: list[int]) -> messages.Results:
    return messages.Results(
        token=said.token,
        indexes=[said.indexes[at] for at in places],
        values=[said.values[at] for at in places],
        seconds=[said.seconds[at] for at in places],
        logged=said.logged,
        logs=said.logs,
    )
