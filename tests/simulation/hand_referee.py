"""What must hold of everything that is handed out, reported, acknowledged and delivered.

Rule: a distributor is held to what it was told and what it has saved, never to what others know.
"""

from collections.abc import Iterable

from disio_distributor.core import changes as ch
from disio_distributor.core.assignments import Batch
from disio_shared import messages
from disio_shared.ranges import runs_of
from tests.simulation.caches import CacheDisk, indexes_in
from tests.simulation.clients import Character
from tests.simulation.manager_store import Payload
from tests.simulation.plans import read_state
from tests.simulation.referee import Referee

FORGETTING = (ch.DropPayloads, ch.DropTask)
"""What takes saved states out of a cache."""
PATIENCE_S = 60.0
"""So long after a task is closed, and after the storm, distributors may still hand out payloads of it."""


class HandReferee:
    """Watches one distributor.

    Args:
        disk: Its cache.
    """

    def __init__(self, name: str, disk: CacheDisk, referee: Referee, characters: dict[str, Character]) -> None:
        self._name, self._disk, self._referee, self._characters = name, disk, referee, characters
        self._dropped: set[str] = set()
        """Tasks it was told to drop."""
        self._paused: set[str] = set()
        self._revoked: dict[str, int] = {}
        """Block to the lease under which it was taken away."""
        self._assigned: set[tuple[str, int, str]] = set()
        self._repeats: set[str] = set()
        """Tokens under which payloads were handed out that have a result: what comes of them are votes."""
        self._flights: dict[str, set[Payload]] = {}
        """Results on their way to a manager that has not answered, by batch."""
        self.states: dict[Payload, int] = {}
        """Step of the newest saved state that was acknowledged."""
        self.acknowledged: set[Payload] = set()
        """Results that were acknowledged and are not known to be at a manager."""

    # What it is told

    def told(self, manager: str, message: messages.ToDistributor) -> None:
        """Take note of what a manager says; the distributor is about to save what follows from it."""
        match message:
            case messages.TaskState(task=task, state=state):
                self._note_state(task, state)
            case messages.Committed(batch=batch):
                self._flights.pop(batch, None)
            case messages.Revoke(blocks=blocks) | messages.Admitted(revoked=blocks):
                self._note_revoked(manager, blocks)
            case messages.Grant(blocks=grants):
                for grant in grants:
                    self._dropped.discard(grant.task)
                    self._paused.discard(grant.task)
                    if grant.lease >= self._revoked.get(grant.block, 0):
                        self._revoked.pop(grant.block, None)

    def _note_revoked(self, manager: str, refs: list[messages.BlockRef]) -> None:
        """Take note of blocks that were taken away by the one who answers for them."""
        for ref in refs:
            held = self._disk.blocks.get(ref.block)
            if held is None or held.manager in ("", manager):
                self._revoked[ref.block] = max(ref.lease, self._revoked.get(ref.block, 0))

    def _note_state(self, task: str, state: str) -> None:
        if state in ("running", "queued"):
            self._paused.discard(task)
        elif state == "paused":
            if task in self._disk.tasks:
                self._paused.add(task)
        else:
            self._dropped.add(task)

    # What it hands out

    def assigned(self, client: str, said: messages.Assign, live: Iterable[Batch], late_s: float) -> None:
        """Check a hand-out that is on its way to a client.

        Args:
            client: To whom.
            said: The message.
            live: The distributor's live batches of this task, this one among them.
            late_s: For how long it could have known that the task is closed.
        """
        where = f"{self._name} hands {said.task} to {client}"
        assert said.task not in self._dropped, f"{where} although it was told to drop it"
        assert said.task not in self._paused, f"{where} although it is paused"
        assert late_s < PATIENCE_S, f"{where} {late_s:.0f} s after the task was closed"
        self._check_ability(where, client, said)
        mine = [batch for batch in live if batch.token == said.token]
        assert len(mine) == 1 and mine[0].client == client, f"{where} under a token of somebody else"
        if mine[0].is_repeat:
            self._repeats.add(said.token)
        self._check_holders(where, said, mine[0], [batch for batch in live if batch.token != said.token])
        for index, payload in zip(said.indexes, said.payloads, strict=True):
            if not mine[0].is_repeat:
                self._check_payload(where, said, index, payload)
                self._assigned.add((said.task, index, client))
            self._referee.handed.add((said.task, index, client))

    def _check_holders(self, where: str, said: messages.Assign, mine: Batch, others: list[Batch]) -> None:
        """Nobody holds an index twice, and no more than two hold one."""
        runs = runs_of(said.indexes)
        others = [batch for batch in others if not batch.is_repeat and any(batch.open.within(*run) for run in runs)]
        for index in said.indexes if others else ():
            holders = [batch.client for batch in others if index in batch.open]
            assert mine.client not in holders, f"{where} although it holds {index} already"
            assert mine.is_repeat or len(holders) < 2, f"{where} although {holders} hold {index}"

    def _check_ability(self, where: str, client: str, said: messages.Assign) -> None:
        character, plan = self._characters[client], self._referee.plans[said.task]
        needs = plan.policy.requires
        assert plan.language in character.languages, f"{where}, which cannot run {plan.language}"
        assert character.kind in needs.kinds, f"{where}, which is of kind {character.kind}"
        assert not 0 < character.memory_mb < needs.memory_mb, f"{where}, which has too little memory"

    def _check_payload(self, where: str, said: messages.Assign, index: int, payload: bytes) -> None:
        assert payload == b"%d" % index, f"{where} with the payload {payload!r} for index {index}"
        is_waiting = (said.task, index) in self._disk.undelivered and not self._came_back(said.task)
        assert not is_waiting, f"{where} although index {index} waits in the outbox"
        blocks = self._disk.blocks_at(said.task, index)
        assert len(blocks) == 1, f"{where} although index {index} is in {len(blocks)} of its blocks"
        lost = self._revoked.get(blocks[0].block, -1)
        assert blocks[0].lease > lost, f"{where} although {blocks[0].block} was revoked"
        step, state = 0, said.states.get(index)
        if state is not None:
            task, whose, step = read_state(state)
            assert (task, whose) == (said.task, index), f"{where} with the state {state!r} for index {index}"
        newest = self.states.get((said.task, index), 0)
        assert step >= newest, f"{where} with step {step} of index {index}, but step {newest} was acknowledged"

    # What it acknowledges

    def replied(self, client: str, asked: messages.FromClient, answer: messages.ToClient) -> None:
        """Check an acknowledgement that is on its way to a client: what counted must be durable."""
        if not isinstance(answer, messages.Stored) or not answer.accepted:
            return
        where = f"{self._name} acknowledged {answer.accepted} of {client}"
        if isinstance(asked, messages.Results) and asked.token not in self._repeats:
            payloads = [self._payload_of(value) for value in asked.values]
            durable = [each for each in payloads if self._is_durable(each)]
            assert len(durable) >= answer.accepted, f"{where}, of which {len(durable)} are durable"
            if answer.accepted == len(payloads):
                self.acknowledged.update(each for each in payloads if each not in self._referee.settled)
        elif isinstance(asked, messages.Checkpoint):
            task, index, step = read_state(asked.state)
            saved = self._disk.checkpoints.get(task, {}).get(index)
            assert saved == asked.state, f"{where}: a state that is not saved; {saved!r} is"
            self.states[task, index] = step

    def _payload_of(self, value: bytes) -> Payload:
        task, index = value[2:].split(b'",')
        return task.decode(), int(index.partition(b",")[0].rstrip(b"]"))

    def _is_durable(self, payload: Payload) -> bool:
        return payload in self._disk.undelivered or payload in self._referee.settled

    # What it sends up

    def sends(self, message: messages.FromDistributor) -> None:
        """Check that a result is under way to managers once."""
        if not isinstance(message, messages.Deliver):
            return
        sent = [(part.task, index) for part in message.results for index in part.indexes]
        sent = [payload for payload in sent if not self._came_back(payload[0])]
        mine = set(sent)
        assert len(mine) == len(sent), f"{self._name} sends a result twice in {message.batch}"
        for batch, others in self._flights.items():
            twice = mine & others if batch != message.batch else set()
            assert not twice, f"{self._name} sends {sorted(twice)[:3]} in {message.batch} and in {batch}"
        self._flights[message.batch] = mine

    def _came_back(self, task: str) -> bool:
        """Tell whether a task may have been closed and opened again: its old reports may still be under way."""
        return task in self._referee.ever_closed

    def restarted(self) -> None:
        """Forget what the process knew that is gone."""
        self._flights.clear()

    # What it saves and forgets

    def commit(self, changes: list[ch.Change]) -> None:
        """Apply changes to the cache, and check what they add and take away."""
        for change in changes:
            if isinstance(change, ch.AddOutbox) and change.entry.results is not None:
                self._check_result(change.entry.results)
            elif isinstance(change, ch.AddAttempt):
                one = change.attempt
                # Tries at another distributor come with the Grant.
                had_it = (one.task, one.index, one.client) in self._referee.handed
                assert had_it, f"{one} is of somebody who never had it"
            gone = self._leaving(change) if isinstance(change, ch.DropOutbox) else []
            self._disk.commit([change])
            if gone:
                self._check_gone(gone)
        if self.states and any(isinstance(change, FORGETTING) for change in changes):
            self._forget_states(changes)

    def _check_result(self, part: messages.ResultColumns) -> None:
        for index, by in zip(part.indexes, part.by, strict=True):
            client = part.clients[by]
            known = (part.task, index, client) in self._assigned
            assert known, f"{self._name} takes index {index} of {part.task} from {client}, who never had it"

    def _leaving(self, change: ch.DropOutbox) -> list[Payload]:
        entries = [self._disk.outbox[each] for each in change.ids if each in self._disk.outbox]
        return [each for entry in entries if entry.results is not None for each in indexes_in(entry)]

    def _check_gone(self, gone: list[Payload]) -> None:
        referee = self._referee
        for payload in gone:
            if payload in self.acknowledged and payload not in self._disk.undelivered:
                self.acknowledged.discard(payload)
                is_safe = payload in referee.settled or payload[0] in referee.ever_closed
                assert is_safe, f"{self._name} forgot the acknowledged result {payload}, which no manager has"

    def _forget_states(self, changes: list[ch.Change]) -> None:
        """Take acknowledged states that are gone off the books, if they may be gone."""
        for task, index in list(self.states):
            if index in self._disk.checkpoints.get(task, ()):
                continue
            step = self.states.pop((task, index))
            is_over = self._is_durable((task, index)) or not self._disk.blocks_at(task, index)
            assert is_over, f"{self._name} lost step {step} of index {index} of {task}: {changes}"

    def check_all(self) -> None:
        """Assert that every acknowledged result is in the store, or waits in the outbox, until its task is over."""
        referee = self._referee
        self.acknowledged -= referee.settled
        lost = {each for each in self.acknowledged if each not in self._disk.undelivered}
        lost = {each for each in lost if each[0] not in referee.ever_closed}
        assert not lost, f"{self._name} lost acknowledged results: {sorted(lost)[:5]}"

    def check_empty(self) -> None:
        """Assert that nothing is left of tasks that are over."""
        disk = self._disk
        assert not disk.outbox, f"{self._name} still has {len(disk.outbox)} entries in its outbox"
        assert not disk.blocks, f"{self._name} still holds {list(disk.blocks)[:5]}"
        assert not disk.attempts, f"{self._name} still remembers attempts: {disk.attempts[:3]}"
        states = [(task, index) for task, kept in disk.checkpoints.items() for index in kept]
        assert not states, f"{self._name} still keeps states: {states[:5]}"
