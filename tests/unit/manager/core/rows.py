"""What a store of one or several managers would hold, in memory, with the comparisons that a real one makes.

Rule: a commit that may not be made raises before anything of it is applied.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.core.growing import Segments
from disio_manager.core.records import (
    BlockRecord,
    DistributorRecord,
    Growth,
    LoadedTask,
    Look,
    Notice,
    SegmentHead,
    SharedTask,
    StretchRecord,
    TaskRecord,
)
from disio_manager.stores.assembling import with_matching
from disio_manager.stores.segments import growth_of
from disio_shared.errors import OwnershipLost
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import PayloadSpec, StoredSpec
from disio_shared.ranges import RangeSet, runs_of
from disio_shared.taskdoc import ENDED_STATES, OPEN_STATES

Vote = tuple[int, str]


@dataclass
class Rows:
    """Tables in memory."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    stretches: dict[tuple[str, int], StretchRecord] = field(default_factory=dict)
    blocks: dict[str, BlockRecord] = field(default_factory=dict)
    results: dict[str, dict[int, bytes]] = field(default_factory=dict)
    matches: dict[str, set[int]] = field(default_factory=dict)
    """The results that satisfy their task's condition."""
    failures: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    segments: dict[str, list[SegmentHead]] = field(default_factory=dict)
    """Logs of growing tasks, in order; one of no payloads is the end."""
    votes: dict[str, dict[Vote, bytes]] = field(default_factory=dict)
    notices: dict[str, tuple[str, int, Notice]] = field(default_factory=dict)
    """With their owner and the start of their stretch."""
    distributors: dict[str, DistributorRecord] = field(default_factory=dict)
    noted: list[changes.NoteResults] = field(default_factory=list)
    doubled: int = 0
    """Results of own indexes that came for an index that had one."""
    claims: int = 0
    """Claims that were tried."""
    is_claimable: bool = True
    """False: claims come to nothing, as when the store does not answer."""
    _notices: int = 0

    def commit(self, group: Sequence[Change], manager: str) -> None:
        """Apply a group of one manager.

        Raises:
            OwnershipLost: Nothing of it was applied.
        """
        for change in group:
            self._check(change, manager)
        for change in group:
            self._apply(change)

    def _check(self, change: Change, manager: str) -> None:
        place = None
        if isinstance(change, changes.PutTask):
            now = self.tasks.get(change.record.id)
            is_end = change.record.state in ENDED_STATES and now is not None and now.state in OPEN_STATES
            if is_end and now is not None and now.retries > change.record.retries:
                raise OwnershipLost(f"the end of task {now.id}")
        elif isinstance(change, changes.PutStretch):
            place = (change.record.task, change.record.start)
        elif isinstance(change, changes.PutBlock):
            place = self._place(change.record.task, change.record.start)
        elif isinstance(change, changes.DropBlock) and change.block in self.blocks:
            place = self._place(change.task, self.blocks[change.block].start)
        stretch = self.stretches.get(place) if place else None
        if stretch is not None and stretch.owner != manager:
            raise OwnershipLost(f"a stretch of task {stretch.task}")

    def _place(self, task: str, index: int) -> tuple[str, int] | None:
        for (name, start), stretch in self.stretches.items():
            if name == task and start <= index < stretch.stop:
                return name, start
        return None

    def _apply(self, change: Change) -> None:
        match change:
            case changes.PutTask(record, was):
                self._put_task(record, was)
            case changes.PutStretch(record):
                self.stretches[record.task, record.start] = msgspec.structs.replace(record)
            case changes.PutBlock(record):
                self.blocks[record.id] = msgspec.structs.replace(record)
            case changes.DropBlock():
                self.blocks.pop(change.block, None)
            case changes.AddResults():
                self.doubled += self._add_results(change)
            case changes.AddFailures():
                self._add_failures(change)
            case changes.AddForeign():
                self._add_foreign(change.rows)
            case _:
                self._apply_rare(change)

    def _apply_rare(self, change: Change) -> None:
        match change:
            case changes.AddSegments():
                self.segments.setdefault(change.task, [head for head, _ in change.segments])
            case changes.DropFailures():
                dropped = RangeSet(change.runs)
                rows = self.failures.pop(change.task, {})
                kept = {at: errors for at, errors in rows.items() if at not in dropped}
                self.failures |= {change.task: kept} if kept else {}
            case changes.NoteResults():
                self.noted.append(change)
            case changes.DropNotices():
                self.notices = {name: row for name, row in self.notices.items() if name not in change.ids}
            case changes.AddVotes():
                self._add_votes(change)
            case changes.DeleteTask():
                self._delete(change.task)
            case _:
                self._apply_to_fleet(change)

    def _apply_to_fleet(self, change: Change) -> None:
        if isinstance(change, changes.PutDistributor):
            self.distributors[change.record.id] = change.record
        elif isinstance(change, changes.DropDistributor):
            self.distributors.pop(change.distributor, None)

    def _put_task(self, record: TaskRecord, was: str) -> None:
        now = self.tasks.get(record.id)
        begins = was == "queued" and record.state == "running"
        if now is None:
            is_right = was == ""
        elif begins:
            is_right = now.state == "queued"
        else:
            is_right = now.state in OPEN_STATES if was in OPEN_STATES else now.state == was
            is_right = is_right and (record.state not in ENDED_STATES or now.retries <= record.retries)
        if is_right:
            self.tasks[record.id] = msgspec.structs.replace(record)

    def _add_results(self, change: changes.AddResults) -> int:
        rows = self.results.setdefault(change.task, {})
        doubled = sum(index in rows for index in change.indexes)
        fresh = {index for index in change.indexes if index not in rows}
        for index, value in zip(change.indexes, change.values, strict=True):
            rows.setdefault(index, value)
        self.matches.setdefault(change.task, set()).update(fresh.intersection(change.matching))
        return doubled

    def _add_failures(self, change: changes.AddFailures) -> None:
        rows = self.failures.setdefault(change.task, {})
        for index, errors in zip(change.indexes, change.errors, strict=True):
            rows.setdefault(index, errors)

    def _add_votes(self, change: changes.AddVotes) -> None:
        votes = self.votes.setdefault(change.task, {})
        for index, value, by in zip(change.indexes, change.values, change.by, strict=True):
            votes.setdefault((index, change.clients[by]), value)

    def _add_foreign(self, rows: changes.AddResults | changes.AddFailures) -> None:
        if rows.task not in self.tasks or self.tasks[rows.task].state not in OPEN_STATES:
            return
        if isinstance(rows, changes.AddResults):
            self._add_results(with_matching(rows, self.tasks[rows.task].policy.stop_when))
        for (task, start), stretch in self.stretches.items():
            inside = [at for at, index in enumerate(rows.indexes) if start <= index < stretch.stop]
            if task != rows.task or not inside:
                continue
            indexes = [rows.indexes[at] for at in inside]
            if isinstance(rows, changes.AddResults):
                matched = sorted(self.matches.get(task, set()).intersection(indexes))
                notice = Notice(id="", task=task, done=runs_of(indexes), matched=matched)
            else:
                notice = Notice(id="", task=task, failed=indexes, errors=[rows.errors[at] for at in inside])
            self._notify(stretch.owner, start, notice)

    def _notify(self, owner: str, start: int, notice: Notice) -> None:
        self._notices += 1
        notice.id = f"n{self._notices}"
        self.notices[notice.id] = (owner, start, notice)

    def _delete(self, task: str) -> None:
        for table in (self.tasks, self.results, self.matches, self.failures, self.votes, self.segments):
            table.pop(task, None)
        self.blocks = {name: row for name, row in self.blocks.items() if row.task != task}
        self.stretches = {key: row for key, row in self.stretches.items() if key[0] != task}

    # Growing

    def append(self, task: str, start: int, count: int) -> bool:
        """Add to a task's log (nothing = its end); False when something else is there."""
        log = self.segments.setdefault(task, [])
        head = SegmentHead(start, count, 10 * count)
        if head in log:
            return True
        total = log[-1].start + log[-1].count if log else 0
        if start != total or (log and not log[-1].count):
            return False
        log.append(head)
        return True

    def growth(self, task: str, start: int = 0) -> Growth:
        """Return a task's log from a payload on."""
        return growth_of(task, [head for head in self.segments.get(task, []) if head.start >= start])

    def total(self, task: str) -> int:
        """Return how many payloads a task has, as its stretches tell."""
        record = self.tasks[task]
        return max((row.stop for row in self._stretches(task)), default=0) if record.form else record.total

    # Reading

    def load(self, manager: str) -> list[LoadedTask]:
        """Return the open tasks, as a manager finds them."""
        loaded = [self.load_task(name, manager) for name, row in self.tasks.items() if row.state in OPEN_STATES]
        return [one for one in loaded if one is not None]

    def load_task(self, task: str, manager: str, only: set[int] | None = None) -> LoadedTask | None:
        """Return a task as a store's ``load_task`` does; ``only`` restricts blocks to stretches that begin there."""
        record = self.tasks.get(task)
        if record is None:
            return None
        growth = self.growth(task) if record.form else None
        stretches = [self._counted(row, manager) for row in self._stretches(task)]
        mine = [row for row in stretches if row.owner == manager and (only is None or row.start in only)]
        done, failed = self._known_results(task), self.failures.get(task, {})
        blocks = [row for row in self.blocks.values() if row.task == task and _is_in(row.start, mine)]
        closed = {row.id: runs_of(i for i in [*done, *failed] if row.start <= i < row.stop) for row in blocks}
        return LoadedTask(
            record=msgspec.structs.replace(
                record,
                done=sum(each.done for each in stretches),
                failed=sum(each.failed for each in stretches),
                matched=sum(each.matched for each in stretches),
                total=max(each.stop for each in stretches) if growth else record.total,
                growing=growth is not None and growth.end is None,
            ),
            spec=StoredSpec("values", task=task, extents=Segments(growth.segments)) if growth else _spec_of(record),
            stretches=stretches,
            blocks=[msgspec.structs.replace(row) for row in sorted(blocks, key=lambda row: row.start)],
            closed=closed,
            failed=runs_of(index for index in failed if _is_in(index, mine) and index not in done),
        )

    def _stretches(self, task: str) -> list[StretchRecord]:
        return [self.stretches[key] for key in sorted([key for key in self.stretches if key[0] == task])]

    def _counted(self, row: StretchRecord, manager: str) -> StretchRecord:
        if row.owner != manager:
            return msgspec.structs.replace(row)
        if self.tasks[row.task].form:
            row = msgspec.structs.replace(row, stop=sum(head.count for head in self.segments.get(row.task, [])))
        done = [index for index in self._known_results(row.task) if row.start <= index < row.stop]
        failed = [index for index in self.failures.get(row.task, {}) if row.start <= index < row.stop]
        matched = self.matches.get(row.task, set()).intersection(done)
        return msgspec.structs.replace(row, done=len(done), failed=len(set(failed) - set(done)), matched=len(matched))

    def _known_results(self, task: str) -> Collection[int]:
        """Return the results that a manager knows of that loads a task."""
        return self.results.get(task, {})

    # Several managers

    def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        """Insert a stretch unless there is one at its start."""
        self.claims += 1
        if not self.is_claimable:
            return []
        if stretch.task in self.tasks:
            self.stretches.setdefault((stretch.task, stretch.start), msgspec.structs.replace(stretch))
        return [msgspec.structs.replace(row) for row in self._stretches(stretch.task)]

    def take_over(self, gone: str, manager: str) -> list[LoadedTask]:
        """Give one manager's stretches to another."""
        taken: dict[str, set[int]] = {}
        for (task, start), row in self.stretches.items():
            if row.owner == gone and self.tasks[task].state in OPEN_STATES:
                row.owner = manager
                taken.setdefault(task, set()).add(start)
        for name, (_, start, notice) in self.notices.items():
            if start in taken.get(notice.task, ()):
                self.notices[name] = (manager, start, notice)
        loaded = [self.load_task(task, manager, starts) for task, starts in taken.items()]
        for one in loaded:
            assert one is not None, "take_over has seen it"
            one.stretches = [row for row in one.stretches if row.start in taken[one.record.id]]
        return [one for one in loaded if one is not None]

    def look(self, known: Sequence[str], manager: str) -> Look:
        """Return what others did."""
        shown = [row for name, row in self.tasks.items() if row.state in OPEN_STATES or name in known]
        return Look(
            tasks=[
                SharedTask(
                    record=msgspec.structs.replace(row, payloads=b"", total=self.total(row.id)),
                    stretches=[msgspec.structs.replace(each) for each in self._stretches(row.id)],
                )
                for row in shown
            ],
            gone=[name for name in known if name not in self.tasks],
            notices=[notice for owner, _, notice in self.notices.values() if owner == manager],
            distributors=[row for row in self.distributors.values() if row.manager != manager],
            grown=[self.growth(row.id, self.total(row.id)) for row in shown if row.growing],
        )


def _is_in(index: int, stretches: list[StretchRecord]) -> bool:
    return any(row.start <= index < row.stop for row in stretches)


def _spec_of(record: TaskRecord) -> PayloadSpec:
    """Files are given their sizes by the test: rows hold no archives."""
    spec = msgspec.json.decode(record.payloads)
    return StoredSpec("files", spec["blob"]) if "blob" in spec else parse_spec(spec)
