"""What a naive observer of a dispatcher knows: what is held and closed, who computed what, what failed or was lost.

Every event goes through ``feed``, which compares what the dispatcher stored and said with it.
"""

from collections import Counter
from typing import Any

from disio_distributor.core import changes, commands, events
from disio_distributor.core.tokens import read_token
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench

TASKS = ("a", "b")
MAX_FAILURES, MAX_LOST, MAX_REDUNDANCY = 2, 3, 3
BLOCK = 6
Key = tuple[str, int]


class Model:
    """The observer's notes."""

    def __init__(self) -> None:
        self.bench = Bench(lease_s=60.0, max_batch=8, deliver_results=4, copy_samples=2)
        self.held: dict[str, tuple[str, int, int]] = {}  # block to task, start, stop
        self.leases: dict[str, int] = {}
        self.closed: set[Key] = set()
        self.computed_by: dict[Key, list[str]] = {}  # who computed it, the canonical one first
        self.fails: Counter[Key] = Counter()
        self.losses: Counter[Key] = Counter()
        self.committed: set[Key] = set()
        self.acked: set[Key] = set()
        self.tokens: list[messages.Assign] = []
        self.owner: dict[str, str] = {}
        self.sessions: dict[str, str] = {}
        self.delivered: list[messages.Deliver] = []
        self.number = 0
        self.paused: set[str] = set()
        self.connected = False

    def feed(self, event: events.Event) -> list[commands.Command]:
        """Let something happen; check what was stored and said."""
        decision = self.bench.handle(event)
        for change in decision.changes:
            if isinstance(change, changes.AddOutbox):
                self._stored(change)
            elif isinstance(change, changes.AddAttempt) and change.attempt.outcome == "lost":
                self.losses[change.attempt.task, change.attempt.index] += 1
        for command in decision.commands:
            self._saw(command)
        return decision.commands

    def _stored(self, change: changes.AddOutbox) -> None:
        entry = change.entry
        if entry.votes is not None:
            self._voted(entry.votes)
            return
        columns: Any = entry.results or entry.failures
        for index in columns.indexes:
            key = (columns.task, index)
            assert key not in self.closed, f"{key} is counted twice"
            assert key in self.open_keys(), f"{key} was not open"
            self.closed.add(key)
            if entry.results is not None:
                self.computed_by[key] = [entry.results.clients[0]]
            else:
                assert self.fails[key] >= MAX_FAILURES or self.losses[key] >= MAX_LOST, f"{key} was given up too soon"

    def _voted(self, columns: messages.VoteColumns) -> None:
        (client,) = columns.clients
        for index in columns.indexes:
            voters = self.computed_by[columns.task, index]
            assert client not in voters, "a client votes twice"
            voters.append(client)
            assert len(voters) <= MAX_REDUNDANCY

    def _saw(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendManager) and isinstance(command.message, messages.Deliver):
            self.delivered.append(command.message)
        if not isinstance(command, commands.SendClient) or not isinstance(command.message, messages.Assign):
            return
        assign, client = command.message, self.sessions[command.session]
        assert assign.task not in self.paused, "a paused task is handed out"
        assert assign.payloads == [b"%d" % index for index in assign.indexes]
        keys = {(assign.task, index) for index in assign.indexes}
        if is_repeat(assign.token):
            assert not self.connected, "a repeat although the manager is there"
            assert keys <= self.undelivered(), "what is repeated has a result that no manager has"
            assert all(client not in self.computed_by[key] for key in keys), "a client checks itself"
        else:
            assert keys <= self.open_keys(), "closed, and handed out again"
        self.tokens.append(assign)
        self.owner[assign.token] = client

    def votes_delivered(self, deliver: messages.Deliver) -> None:
        """Votes that the manager has are known to it alone from the next restart on; it keeps one of each client."""
        for part in deliver.votes:
            for index, by in zip(part.indexes, part.by, strict=True):
                voters = self.computed_by[part.task, index]
                if part.clients[by] in voters[1:]:
                    voters.remove(part.clients[by])

    def open_keys(self) -> set[Key]:
        """Return what must be open."""
        held = {(task, index) for task, start, stop in self.held.values() for index in range(start, stop)}
        return held - self.closed

    def undelivered(self) -> set[Key]:
        """Return what the cache keeps a result or a failure of."""
        columns = [each.results or each.failures for each in self.bench.cache.outbox]
        return {(each.task, index) for each in columns if each is not None for index in each.indexes}

    def said(self, session: str, message: Any) -> messages.Stored:
        """Say something as a client; return the acknowledgement."""
        self.number += 1
        answers = self.feed(events.ClientSaid(session, message, self.number))
        found = [each for each in answers if isinstance(each, commands.Reply)]
        assert len(found) == 1, "every request is answered once"
        assert isinstance(found[0].message, messages.Stored)
        return found[0].message

    def forget_block(self, block: str) -> None:
        """Take note that a block is not held any more."""
        task, start, stop = self.held.pop(block)
        for index in range(start, stop):
            self.fails.pop((task, index), None)
            self.losses.pop((task, index), None)

    def check_blocks(self, works: dict[str, Any]) -> None:
        """Compare what is held and open."""
        held = {block.record.block: name for name, work in works.items() for block in work.blocks}
        assert held == {block: task for block, (task, _, _) in self.held.items()}
        opened = {(name, index) for name, work in works.items() for index in range(4 * BLOCK) if work.is_open(index)}
        assert opened == self.open_keys()
        assert self.acked <= self.undelivered() | self.committed, "acknowledged and gone"

    def check_attempts(self, works: dict[str, Any]) -> None:
        """Compare what failed and what was lost."""
        for name, work in works.items():
            for index in range(4 * BLOCK):
                if work.is_open(index):
                    outcomes = Counter(each.outcome for each in work.attempts.get(index, ()))
                    assert outcomes["failed"] == self.fails[name, index], "only failures count as failed"
                    assert outcomes["lost"] == self.losses[name, index], "only losses count as lost"


def is_repeat(token: str) -> bool:
    """Tell whether a token is of a repeat."""
    read = read_token(b"k" * 32, token)
    return read is not None and read.is_repeat
