"""A registry of managers in memory, and a store around it, for tests of who is alive."""

from collections.abc import Sequence

from disio_manager.core.records import LoadedTask, Look, SharedTask, StretchRecord, TaskRecord
from disio_manager.stores.base import ManagerEntry
from disio_shared.errors import StoreUnavailable
from disio_shared.payload_parsing import parse_spec
from disio_shared.taskdoc import Policy


class Registry:
    """Who serves the database, and what a store tells of the others."""

    is_shared = True

    def __init__(self) -> None:
        self.entries: dict[str, ManagerEntry] = {}
        self.is_away = False
        self.left: dict[str, list[LoadedTask]] = {}
        """What each manager looks after."""
        self.taken: list[str] = []
        self.open: dict[str, LoadedTask] = {}
        self.log: list[str] = []
        self.uncounted = False
        """There are results that a recount finds."""

    def _answer(self) -> None:
        if self.is_away:
            raise StoreUnavailable("registry", "is away")

    async def enlist(self, entry: ManagerEntry) -> None:
        self._answer()
        self.entries[entry.id] = entry

    async def managers(self) -> list[ManagerEntry]:
        self._answer()
        return list(self.entries.values())

    async def strike_off(self, manager: str) -> None:
        self._answer()
        self.entries.pop(manager, None)

    async def take_over(self, gone: str) -> list[LoadedTask]:
        self.taken.append(gone)
        self._answer()
        return self.left.pop(gone, [])

    async def look(self, known: Sequence[str]) -> Look:
        self._answer()
        self.log.append("look")
        tasks = [SharedTask(record=one.record, stretches=one.stretches) for one in self.open.values()]
        return Look(tasks=tasks, gone=[name for name in known if name not in self.open], notices=[], distributors=[])

    async def recount(self) -> bool:
        self._answer()
        found, self.uncounted = self.uncounted, False
        return found

    async def load_task(self, task: str) -> LoadedTask | None:
        self._answer()
        return self.open.get(task)


def loaded(task: str = "t1", owner: str = "b", state: str = "queued") -> LoadedTask:
    """Return a task of ten payloads that one manager looks after."""
    record = TaskRecord(
        id=task,
        number=1,
        name=task,
        tags=[],
        workunit="0" * 64,
        language="javascript",
        workunit_bytes=1,
        payloads=b'{"range":[0,10]}',
        policy=Policy(),
        total=10,
        state=state,
        created_at=0.0,
    )
    stretch = StretchRecord(task=task, start=0, stop=10, owner=owner, frontier=0)
    spec = parse_spec({"range": [0, 10]})
    return LoadedTask(record=record, spec=spec, stretches=[stretch], blocks=[], closed={})
