"""A manager's core with its rows applied in memory, for tests: what a store would hold, and what was sent."""

from dataclasses import dataclass, field

import msgspec

from disio_manager.core import changes, events
from disio_manager.core.changes import Change
from disio_manager.core.commands import Announce, Command, Send
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.records import BlockRecord, DistributorRecord, LoadedTask, TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.decisions import Decision
from disio_shared.payloads import count, parse_spec
from disio_shared.ranges import runs_of
from disio_shared.taskdoc import OPEN_STATES, Policy, Requires

START, WALL = 1_000.0, 1_700_000_000.0
OFFSET = WALL - START


@dataclass
class Rows:
    """Tables in memory."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    blocks: dict[str, BlockRecord] = field(default_factory=dict)
    results: dict[str, dict[int, bytes]] = field(default_factory=dict)
    failures: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    distributors: dict[str, DistributorRecord] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Do what a store does with a change."""
        match change:
            case changes.PutTask():
                self.tasks[change.record.id] = change.record
            case changes.PutBlock():
                self.blocks[change.record.id] = change.record
            case changes.DropBlock():
                self.blocks.pop(change.block, None)
            case changes.AddResults():
                rows = self.results.setdefault(change.task, {})
                for index, value in zip(change.indexes, change.values, strict=True):
                    assert index not in rows, "an index was given a second result"
                    rows[index] = value
            case changes.PutDistributor():
                self.distributors[change.record.id] = change.record
            case changes.DropDistributor():
                self.distributors.pop(change.distributor, None)
            case _:
                self._apply_rare(change)

    def _apply_rare(self, change: changes.AddFailures | changes.DropFailures | changes.DeleteTask) -> None:
        match change:
            case changes.AddFailures():
                self.failures.setdefault(change.task, {}).update(zip(change.indexes, change.errors, strict=True))
            case changes.DropFailures():
                self.failures.pop(change.task, None)
            case changes.DeleteTask():
                self._delete(change.task)

    def _delete(self, task: str) -> None:
        self.tasks.pop(task, None)
        self.results.pop(task, None)
        self.failures.pop(task, None)
        self.blocks = {name: row for name, row in self.blocks.items() if row.task != task}

    def load_task(self, task: str) -> LoadedTask | None:
        """Return a task as a store's ``load_task`` does."""
        record = self.tasks.get(task)
        if record is None:
            return None
        done, failed = self.results.get(task, {}), self.failures.get(task, {})
        blocks = sorted((row for row in self.blocks.values() if row.task == task), key=lambda row: row.start)
        closed = {row.id: runs_of(i for i in [*done, *failed] if row.start <= i < row.stop) for row in blocks}
        counted = msgspec.structs.replace(record, done=len(done), failed=len(failed))
        spec = parse_spec(msgspec.json.decode(record.payloads))
        return LoadedTask(record=counted, spec=spec, blocks=blocks, closed=closed, failed=runs_of(failed))

    def load(self) -> list[LoadedTask]:
        """Return the open tasks."""
        loaded = [self.load_task(name) for name, record in self.tasks.items() if record.state in OPEN_STATES]
        return [one for one in loaded if one is not None]


class World:
    """One core, its rows, a clock, and the messages each session got."""

    def __init__(self, **settings: float) -> None:
        self.settings = CoreSettings(cluster="c", manager="m", **settings)  # type: ignore[arg-type]
        self.now = START
        self.rows = Rows()
        self.sent: list[Send] = []
        self.announced: list[Announce] = []
        self._ids = 0
        self._batches = 0
        self.core = self._restored()

    @property
    def wall(self) -> float:
        return self.now + OFFSET

    def _restored(self) -> Coordinator:
        rows = self.rows
        return Coordinator.restore(rows.load(), list(rows.distributors.values()), self.settings, self.now, self.wall)

    def restart(self) -> None:
        """Forget the core and build it again from the rows."""
        self.core = self._restored()

    def fresh(self, count: int = 8) -> tuple[str, ...]:
        self._ids += count
        return tuple(f"f{at}" for at in range(self._ids - count, self._ids))

    def handle(self, event: events.Event) -> Decision[Change, Command]:
        """Let the core decide, apply the rows, note what it sends."""
        out = self.core.handle(event, self.now)
        for change in out.changes:
            self.rows.apply(change)
        self.sent += [command for command in out.commands if isinstance(command, Send)]
        self.announced += [command for command in out.commands if isinstance(command, Announce)]
        return out

    def take(self, kind: type[messages.Message], session: str = "") -> list[messages.Message]:
        """Remove and return the messages of one kind that were sent (to a session)."""
        taken = [s for s in self.sent if isinstance(s.message, kind) and session in ("", s.session)]
        self.sent = [one for one in self.sent if one not in taken]
        return [one.message for one in taken]

    def grants(self, session: str = "") -> list[messages.Grant]:
        """Remove and return Grants."""
        return [message for message in self.take(messages.Grant, session) if isinstance(message, messages.Grant)]

    def drain(self, distributor: str) -> None:
        self.handle(events.DistributorDrained(distributor))

    # Short forms of events

    def create(
        self, name: str, payloads: str, *, number: int = 0, language: str = "javascript", **policy: object
    ) -> None:
        spec = parse_spec(msgspec.json.decode(payloads))

        requires = policy.pop("requires", Requires())
        record = TaskRecord(
            id=name,
            number=len(self.rows.tasks) + 1,
            name=name,
            tags=[],
            workunit="00" * 32,
            language=language,
            workunit_bytes=1,
            payloads=payloads.encode(),
            policy=Policy(requires=requires, **policy),  # type: ignore[arg-type]
            total=count(spec),
            state="queued",
            created_at=self.wall,
        )
        self.handle(events.TaskCreated(record, spec))

    def command(self, task: str, verb: str) -> None:
        stored = None if self.core.task_view(task, self.now) else self.rows.load_task(task)
        self.handle(events.TaskCommanded(task, verb, self.wall, stored))

    def join(self, distributor: str, session: str = "", held: list[messages.BlockRef] | None = None) -> None:
        join = messages.Join(
            version=1,
            distributor=distributor,
            name=distributor,
            url=f"http://{distributor}",
            max_clients=10,
            held=held or [],
        )
        self.handle(events.DistributorJoined(session or distributor, join, self.wall))

    def leave(self, session: str) -> None:
        self.handle(events.DistributorLeft(session, self.wall))

    def ask(self, session: str, payloads: int, *, request: int = 1, fresh: int = 8, **more: object) -> None:
        given = {"languages": ["javascript"], "kinds": ["cli", "web"], **more}
        ask = messages.Ask(request=request, payloads=payloads, **given)  # type: ignore[arg-type]
        self.handle(events.MessageArrived(session, ask, self.wall, self.fresh(fresh)))

    def deliver(self, session: str, task: str, indexes: list[int], failed: list[int] | None = None) -> None:
        self._batches += 1
        results, failures = [], []
        if indexes:
            values = [b"%d/%d" % (index, self._batches) for index in indexes]
            zeros = [0] * len(indexes)
            results = [
                messages.ResultColumns(
                    task=task, indexes=indexes, values=values, seconds=[0.1] * len(indexes), clients=["k"], by=zeros
                )
            ]
        if failed:
            failures = [messages.FailureColumns(task=task, indexes=failed, errors=[["boom"]] * len(failed))]
        batch = messages.Deliver(batch=f"x{self._batches}", results=results, failures=failures)
        self.handle(events.MessageArrived(session, batch, self.wall))

    def status(self, session: str, held: list[messages.BlockRef]) -> None:
        status = messages.Status(clients=1, slots=2, held=held)
        self.handle(events.MessageArrived(session, status, self.wall))

    def give_back(self, session: str, blocks: list[messages.BlockRef]) -> None:
        self.handle(events.MessageArrived(session, messages.Return(blocks=blocks), self.wall))

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.handle(events.Ticked(self.wall))
