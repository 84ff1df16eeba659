"""A distributor in the simulation: the real core over a cache in memory that survives crashes of the process.

Rule: what is not committed when the process dies is gone; commands go out only after the commit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from disio_distributor.core import changes as ch
from disio_distributor.core import commands as cmd
from disio_distributor.core import events as ev
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, Snapshot
from disio_distributor.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.errors import DisioError
from tests.simulation.clients import Socket
from tests.simulation.clockwork import Alarm, Clockwork

LINK = "link"
REJOIN_S = 2.0


@dataclass
class CacheDisk:
    """Rows as a real cache keeps them."""

    id: str
    tasks: dict[str, HeldTask] = field(default_factory=dict)
    blocks: dict[str, HeldBlock] = field(default_factory=dict)
    outbox: dict[int, OutboxEntry] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    checkpoints: dict[str, dict[int, bytes]] = field(default_factory=dict)
    workunits: set[str] = field(default_factory=set)

    def commit(self, changes: list[ch.Change]) -> None:
        """Apply changes as one transaction."""
        for change in changes:
            self._apply(change)

    def _apply(self, change: ch.Change) -> None:
        match change:
            case ch.PutTask(task):
                self.tasks[task.manifest.task] = msgspec.structs.replace(task)
            case ch.DropTask(task):
                self._drop_task(task)
            case ch.PutBlock(block):
                self.blocks[block.block] = msgspec.structs.replace(block)
            case ch.DropBlock(block):
                self.blocks.pop(block, None)
            case ch.AddOutbox(entry):
                self.outbox[entry.id] = entry
            case ch.DropOutbox(ids):
                for entry_id in ids:
                    self.outbox.pop(entry_id, None)
            case _:
                self._apply_small(change)

    def _apply_small(self, change: ch.Change) -> None:
        match change:
            case ch.PutWorkunit():
                self.workunits.add(change.sha256)
            case ch.DropWorkunit(sha256):
                self.workunits.discard(sha256)
            case ch.AddAttempt(attempt):
                self.attempts.append(attempt)
            case ch.PutCheckpoint():
                self.checkpoints.setdefault(change.task, {})[change.index] = change.state
            case ch.DropPayloads(task, indexes):
                gone = set(indexes)
                self.attempts = [a for a in self.attempts if a.task != task or a.index not in gone]
                for index in gone:
                    self.checkpoints.get(task, {}).pop(index, None)

    def _drop_task(self, task: str) -> None:
        self.tasks.pop(task, None)
        self.checkpoints.pop(task, None)
        self.blocks = {key: block for key, block in self.blocks.items() if block.task != task}
        self.attempts = [attempt for attempt in self.attempts if attempt.task != task]

    def load(self) -> Snapshot:
        """Return everything."""
        return Snapshot(
            distributor_id=self.id,
            token_key=self.id.encode().ljust(32, b"k"),
            tasks=[msgspec.structs.replace(task) for task in self.tasks.values()],
            blocks=[msgspec.structs.replace(block) for block in self.blocks.values()],
            outbox=[self.outbox[key] for key in sorted(self.outbox)],
            attempts=list(self.attempts),
            checkpoints={task: dict(states) for task, states in self.checkpoints.items()},
            workunits=sorted(self.workunits),
        )

    def outbox_indexes(self) -> Iterator[tuple[str, int]]:
        """Yield task and index of every result or failure that waits for a manager."""
        for entry in self.outbox.values():
            part = entry.results or entry.failures
            assert part is not None
            yield from ((part.task, index) for index in part.indexes)

    def has_result(self, task: str, index: int) -> bool:
        """Tell whether a result or failure waits in the outbox."""
        return (task, index) in self.outbox_indexes()


class DistributorNode:
    """A distributor process that can crash and come back.

    Args:
        up: Puts a message of a link session on the network to the manager.
        on_stored: Told of every acknowledgement that goes out: message and the answer.
    """

    def __init__(
        self,
        clock: Clockwork,
        name: str,
        up: Callable[["DistributorNode", str, messages.FromDistributor], None],
        on_stored: Callable[["DistributorNode", messages.FromClient, messages.ToClient], None],
    ) -> None:
        self.clock, self.name, self.disk = clock, name, CacheDisk(name)
        self._up, self._on_stored = up, on_stored
        self.core: Dispatcher | None = None
        self._sockets: dict[str, Socket] = {}
        self._asked: dict[tuple[str, int], messages.FromClient] = {}
        self._boots = self._links = 0
        self.trouble = 0.0
        """How likely a commit fails."""
        self._alarm = Alarm(clock, lambda: self.handle(ev.Ticked()))
        self.link_session, self.is_admitted = "", False
        self.start()

    def start(self) -> None:
        """Start the process from what is in the cache."""
        self._boots += 1
        self.core = Dispatcher.restore(self.disk.load(), CoreSettings(), f"boot{self._boots}", self.clock.now)
        self.clock.tell(f"{self.name} up")
        self._alarm.set(self.core.next_deadline())
        self._join()

    def crash(self) -> None:
        """kill -9."""
        self.core = None
        self.is_admitted, self.link_session = False, ""
        for socket in list(self._sockets.values()):
            socket.shut()
        self._sockets.clear()
        self._asked.clear()
        self.clock.tell(f"{self.name} killed")

    def handle(self, event: ev.Event) -> None:
        """Decide, save, then send."""
        if self.core is None:
            return
        try:
            decision = self.core.handle(event, self.clock.now)
        except DisioError as refusal:
            self.clock.tell(f"{self.name} refused {type(event).__name__}: {refusal}")
            return
        if decision.changes and self.clock.chance(self.trouble):
            self._fail(decision.changes)
            return
        self.disk.commit(decision.changes)
        for command in decision.commands:
            self._perform(command)
        self._alarm.set(self.core.next_deadline())

    def _fail(self, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not: the core is loaded again, clients and manager start over."""
        if self.clock.chance(0.5):
            self.disk.commit(changes)
        self.crash()
        self.start()

    # The manager's side

    def _join(self) -> None:
        """Begin a new session of the link; again until somebody answers."""
        if self.core is None or self.is_admitted:
            return
        self._links += 1
        self.link_session = f"{self.name}/{self._links}"
        held = [messages.BlockRef(block=b.block, lease=b.lease) for b in self.disk.blocks.values()]
        join = messages.Join(
            version=messages.PROTOCOL_VERSION, distributor=self.name, name=self.name, url="u", max_clients=9, held=held
        )
        self._up(self, self.link_session, join)
        self.clock.after(REJOIN_S, self._join)

    def link_lost(self, session: str) -> None:
        """Notice that the link's session is gone."""
        if session == self.link_session and self.is_admitted:
            self.is_admitted = False
            self.handle(ev.ManagerLost(LINK))
            self.clock.after(0.2, self._join)

    def from_manager(self, session: str, message: messages.ToDistributor) -> None:
        """Take a message of the manager."""
        if session != self.link_session or self.core is None:
            return
        if isinstance(message, messages.Admitted):
            if not self.is_admitted:
                self.is_admitted = True
                self.handle(ev.ManagerAdmitted(LINK, message))
        elif isinstance(message, messages.Error):
            self.link_lost(session)
        elif self.is_admitted and not isinstance(message, messages.Refused):
            self.handle(ev.ManagerSaid(LINK, message))

    # The clients' side

    def accept(self, socket: Socket) -> bool:
        """Take a connection."""
        if self.core is None:
            return False
        self._sockets[socket.session] = socket
        return True

    def receive(self, socket: Socket, message: messages.FromClient, request: int) -> None:
        """Take a message of a client."""
        if self.core is None or socket.session not in self._sockets:
            return
        if isinstance(message, messages.Hello):
            self.handle(ev.ClientJoined(socket.session, socket.client.name, message, "127.0.0.1"))
            welcome = messages.Welcome(
                version=1, client_id=socket.client.name, secret="s", distributor=self.name, heartbeat_s=10.0,
                max_result_bytes=1 << 20, max_state_bytes=1 << 20,
            )  # fmt: skip
            socket.to_client(welcome, request)
            return
        if request:
            self._asked[(socket.session, request)] = message
        self.handle(ev.ClientSaid(socket.session, message, request))

    def closed(self, socket: Socket) -> None:
        """Notice that a client's connection is gone."""
        if self._sockets.pop(socket.session, None) is not None:
            self.handle(ev.ClientLeft(socket.session))

    def _perform(self, command: cmd.Command) -> None:
        match command:
            case cmd.SendClient(session, message):
                self._send(session, message, 0)
            case cmd.Reply(session, request, message):
                asked = self._asked.pop((session, request), None)
                if asked is not None:
                    self._on_stored(self, asked, message)
                self._send(session, message, request)
            case cmd.CloseClient(session):
                if session in self._sockets:
                    self._sockets[session].shut()
            case cmd.SendManager(_, message):
                if self.is_admitted:
                    self._up(self, self.link_session, message)

    def _send(self, session: str, message: messages.ToClient, request: int) -> None:
        if session in self._sockets:
            self._sockets[session].to_client(message, request)
