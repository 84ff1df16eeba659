"""A manager's core with its rows applied in memory, for tests: what a store would hold, and what was sent."""

from collections.abc import Sequence
from typing import Any

import msgspec

from disio_manager.core import events
from disio_manager.core.changes import Change
from disio_manager.core.commands import Announce, Claim, Command, Send
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.orders import DistributorOrders, FleetOrders
from disio_manager.core.records import Peer, TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.core.tasks import NOTHING
from disio_shared import messages
from disio_shared.decisions import Decision
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import StoredSpec, count
from disio_shared.ranges import runs_of
from disio_shared.taskdoc import Policy, Requires
from tests.unit.manager.core.rows import Rows

START, WALL = 1_000.0, 1_700_000_000.0
OFFSET = WALL - START


class World:
    """One core, its rows (of which others may have a part), a clock, and the messages each session got."""

    def __init__(self, manager: str = "m", rows: Rows | None = None, **settings: float) -> None:
        is_shared = rows is not None
        chosen: dict[str, Any] = {"grant_parts": 1, **settings}
        self.settings = CoreSettings(cluster="c", manager=manager, is_shared=is_shared, **chosen)
        self.now = START
        self.rows = Rows() if rows is None else rows
        self.sent: list[Send] = []
        self.announced: list[Announce] = []
        self._ids = 0
        self._kind = manager if is_shared else ""
        self._batches = 0
        self.core = self._restored()

    @property
    def wall(self) -> float:
        return self.now + OFFSET

    def _restored(self) -> Coordinator:
        rows = self.rows
        loaded = rows.load(self.settings.manager)
        return Coordinator.restore(loaded, list(rows.distributors.values()), self.settings, self.now, self.wall)

    def restart(self) -> None:
        """Forget the core and build it again from the rows."""
        self.core = self._restored()

    def restart_with_specs(self, specs: dict[str, StoredSpec]) -> None:
        """Build the core from the rows, as a store does that has looked into the archives."""
        loaded = self.rows.load(self.settings.manager)
        for task in loaded:
            task.spec = specs[task.record.id]
        self.core = Coordinator.restore(loaded, [], self.settings, self.now, self.wall)

    def fresh(self, count: int = 8) -> tuple[str, ...]:
        self._ids += count
        return tuple(f"f{at}{self._kind}" for at in range(self._ids - count, self._ids))

    def handle(self, event: events.Event) -> Decision[Change, Command]:
        """Let the core decide, apply the rows, note what it sends."""
        out = self.core.handle(event, self.now)
        self.rows.commit(out.changes, self.settings.manager)
        self.core.saved()
        assert all(entry.unsaved == NOTHING for entry in self.core._book.tasks.values()), "progress without its row"
        # Of two managers one may take a result that the other has told it of, and it has not looked yet.
        assert self.settings.is_shared or not self.rows.doubled, "an index was given a second result"
        self.sent += [command for command in out.commands if isinstance(command, Send)]
        self.announced += [command for command in out.commands if isinstance(command, Announce)]
        for command in out.commands:
            if isinstance(command, Claim):
                stretches = self.rows.claim(command.stretch)
                self.handle(events.StretchClaimed(command.stretch.task, stretches, self.wall))
        return out

    def look(self, *peers: "World") -> None:
        """See what the other managers did."""
        look = self.rows.look(self.core.open_tasks(), self.settings.manager)
        unknown = {shared.record.id for shared in look.tasks} - set(self.core.open_tasks())
        fresh = [one for one in self.rows.load(self.settings.manager) if one.record.id in unknown]
        met = tuple(Peer(id=peer.settings.manager, url=f"http://{peer.settings.manager}") for peer in peers)
        self.handle(events.ClusterSeen(met, look, fresh, self.wall))

    def take_over(self, gone: str) -> None:
        """Take over from a manager that is gone."""
        self.handle(events.StretchesTaken(self.rows.take_over(gone, self.settings.manager), self.wall))

    def take(self, kind: type[messages.Message], session: str = "") -> list[messages.Message]:
        """Remove and return the messages of one kind that were sent (to a session)."""
        taken = [s for s in self.sent if isinstance(s.message, kind) and session in ("", s.session)]
        self.sent = [one for one in self.sent if one not in taken]
        return [one.message for one in taken]

    def grants(self, session: str = "") -> list[messages.Grant]:
        """Remove and return Grants."""
        return [message for message in self.take(messages.Grant, session) if isinstance(message, messages.Grant)]

    def drain(self, distributor: str) -> None:
        self.order(distributor, drained=True)

    def order(self, distributor: str, **wanted: Any) -> None:
        """Have operators want this of one distributor, and nothing of any other."""
        orders = {distributor: DistributorOrders(**wanted)}
        self.handle(events.FleetOrdered(FleetOrders(version=1, distributors=orders)))

    # Short forms of events

    def create(
        self,
        name: str,
        payloads: str,
        *,
        language: str = "javascript",
        runtime: str = "sandbox",
        terms: messages.Terms | None = None,
        files: StoredSpec | None = None,
        **policy: object,
    ) -> None:
        spec = files or parse_spec(msgspec.json.decode(payloads))

        requires = policy.pop("requires", Requires())
        record = TaskRecord(
            id=name,
            number=len(self.rows.tasks) + 1,
            name=name,
            tags=[],
            workunit="00" * 32,
            language=language,
            runtime=runtime,
            terms=terms or messages.Terms(),
            workunit_bytes=1,
            payloads=payloads.encode(),
            policy=Policy(requires=requires, **policy),  # type: ignore[arg-type]
            total=count(spec),
            state="queued",
            created_at=self.wall,
        )
        self.handle(events.TaskCreated(record, spec))

    def command(self, task: str, verb: str, only: Sequence[int] = ()) -> None:
        stored = None if self.core.task_view(task, self.now) else self.rows.load_task(task, self.settings.manager)
        self.handle(events.TaskCommanded(task, verb, self.wall, stored, tuple(runs_of(only))))

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

    def deliver(
        self,
        session: str,
        task: str,
        indexes: list[int],
        failed: list[int] | None = None,
        values: list[bytes] | None = None,
    ) -> Decision[Change, Command]:
        self._batches += 1
        results, failures = [], []
        if indexes:
            values = values or [b"%d/%d" % (index, self._batches) for index in indexes]
            zeros = [0] * len(indexes)
            results = [
                messages.ResultColumns(
                    task=task, indexes=indexes, values=values, seconds=[0.1] * len(indexes), clients=["k"], by=zeros
                )
            ]
        if failed:
            failures = [messages.FailureColumns(task=task, indexes=failed, errors=[["boom"]] * len(failed))]
        batch = messages.Deliver(batch=f"x{self._batches}", results=results, failures=failures)
        return self.handle(events.MessageArrived(session, batch, self.wall))

    def status(self, session: str, held: list[messages.BlockRef], paused: list[str] | None = None) -> None:
        status = messages.Status(clients=1, slots=2, held=held, paused=paused or [])
        self.handle(events.MessageArrived(session, status, self.wall))

    def give_back(
        self, session: str, blocks: list[messages.BlockRef], tries: list[messages.TryColumns] | None = None
    ) -> None:
        returned = messages.Return(blocks=blocks, tries=tries or [])
        self.handle(events.MessageArrived(session, returned, self.wall))

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.handle(events.Ticked(self.wall))
