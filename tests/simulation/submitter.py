"""The person: creates tasks, uses verbs on them, and asks again until somebody answers.

Rule: what was acknowledged is remembered, and what was only asked for may or may not have happened.
"""

from functools import partial

import msgspec

from disio_manager.core import events as ev
from disio_manager.core.growing import Segments
from disio_manager.core.records import LoadedTask, SegmentHead, TaskRecord
from disio_shared.errors import DisioError
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import StoredSpec
from disio_shared.taskdoc import OPEN_STATES
from tests.simulation.clockwork import Clockwork
from tests.simulation.managers import ManagerNode
from tests.simulation.plans import Plan
from tests.simulation.referee import Referee

AGAIN_S = 5.0


class Submitter:
    """One person.

    Args:
        managers: Whom requests go to; any of them.
    """

    def __init__(self, clock: Clockwork, managers: list[ManagerNode], referee: Referee) -> None:
        self._clock, self._managers, self._referee = clock, managers, referee
        self.asked: dict[str, set[str]] = {name: set() for name in referee.plans}
        """Verbs that may have been carried out, by task."""
        self._owed = 0
        """Requests that nobody has answered yet."""

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more is to be asked for."""
        return not self._owed

    def plan(self, storm_s: float) -> None:
        """Plan the creation of all tasks, and some verbs."""
        draw = self._clock.random
        for number, plan in enumerate(self._referee.plans.values(), 1):
            self._later(plan.at, partial(self._create, plan, number))
        names = list(self._referee.plans)
        for _ in range(draw.choice([0, 2, 5])):
            name = draw.choice(names)
            at = self._referee.plans[name].at + draw.uniform(0.5, storm_s)
            self._plan_verb(name, draw.choice(["pause", "pause", "edit", "edit", "retry", "retry", "cancel"]), at)
        if self._clock.chance(0.2):
            name = draw.choice(names)
            self._plan_verb(name, "delete", self._referee.plans[name].at + draw.uniform(0.5, storm_s))

    def _plan_verb(self, task: str, verb: str, at: float) -> None:
        if verb == "edit":
            self._later(at, partial(self._edit, task))
            return
        self._later(at, partial(self._use, task, verb))
        if verb == "pause":
            self._later(at + self._clock.between(1.0, 60.0), partial(self._use, task, "resume"))

    def _later(self, delay_s: float, request: "partial[bool]") -> None:
        self._owed += 1
        self._clock.after(delay_s, partial(self._try, request))

    def _try(self, request: "partial[bool]") -> None:
        """Ask; ask again when there was no answer."""
        if request():
            self._owed -= 1
        else:
            self._clock.after(AGAIN_S * self._clock.random.random(), partial(self._try, request))

    def _manager(self) -> ManagerNode | None:
        up = [manager for manager in self._managers if manager.answers]
        return self._clock.random.choice(up) if up else None

    def _create(self, plan: Plan, number: int) -> bool:
        """Create a task; one that an unanswered request made already is found by its key, as the API does."""
        manager = self._manager()
        if manager is None:
            return False
        name = plan.name
        if name in self._referee.disk.tasks or name in self._referee.deleted:
            if plan.parts:  # as who was told so goes on
                self._give_next(name, plan.size // plan.parts)
            return True
        first, spec = plan.size, parse_spec({"range": [0, plan.size]})
        segments: list[tuple[SegmentHead, bytes]] = []
        if plan.parts:
            first = plan.size // plan.parts
            segments = [(SegmentHead(0, first, 10 * first), b"")]
            spec = StoredSpec("values", extents=Segments([segments[0][0]]))
        record = TaskRecord(
            id=name, number=number, name=name, tags=[], workunit=f"w{number}", language=plan.language,
            workunit_bytes=1, payloads=msgspec.json.encode({"range": [0, plan.size]}), policy=plan.policy,
            total=first, state="queued", created_at=self._clock.wall, form="open" if plan.parts else "",
            growing=bool(plan.parts),
        )  # fmt: skip
        is_made = self._send(manager, ev.TaskCreated(record, spec, segments))
        if is_made and plan.parts:
            self._give_next(name, first)
        return is_made

    def _give_next(self, task: str, start: int) -> None:
        """Give a growing task its next payloads after a while, or close it."""
        plan = self._referee.plans[task]
        count = min(plan.size // plan.parts, plan.size - start)
        self._later(self._clock.between(0.5, 60.0), partial(self._give, task, start, count))

    def _give(self, task: str, start: int, count: int) -> bool:
        """Write the next payloads into the log, and tell a manager, who may never hear of it."""
        manager, disk = self._manager(), self._referee.disk
        if manager is None or (task in disk.tasks and not self._is_ready(manager, task)):
            return False
        if not disk.is_open(task):
            return True
        if manager.is_cut_off:
            return False
        self._clock.tell(f"somebody gives {task} {count} payloads from {start} on")
        assert disk.append(task, start, count), f"{task} does not take payloads from {start} on: {disk.segments[task]}"
        if self._clock.chance(0.2):
            return False  # the manager was killed, or the answer lost: it is asked again
        view = manager.core.task_view(task, self._clock.now) if manager.core is not None else None
        known = 0 if view is None else view.record.total
        if not self._send(manager, ev.TaskGrown(disk.growth(task, known), manager.host.wall)):
            return False
        if count:
            self._give_next(task, start + count)
        return True

    def _use(self, task: str, verb: str) -> bool:
        """Use a verb; a refusal is an answer too."""
        manager = self._manager()
        if manager is None:
            return False
        if task not in self._referee.disk.tasks:
            return task in self._referee.deleted
        if not self._is_ready(manager, task):
            return False
        self._clock.tell(f"somebody asks {manager.name} to {verb} {task}")
        self.asked[task].add(verb)
        return self._send(manager, ev.TaskCommanded(task, verb, manager.host.wall, self._stored(manager, task)))

    def _edit(self, task: str) -> bool:
        manager = self._manager()
        if manager is None:
            return False
        if task not in self._referee.disk.tasks:
            return task in self._referee.deleted
        if not self._is_ready(manager, task):
            return False
        soon = self._clock.wall + self._clock.between(5.0, 60.0)
        edits: list[dict[str, float]] = [{"priority": 9}, {"weight": 0.5}, {"max_distributors": 1}, {"deadline": soon}]
        edit = self._clock.random.choice(edits)
        self.asked[task].update(edit)
        self._clock.tell(f"somebody edits {task}: {edit}")
        return self._send(manager, ev.TaskEdited(task, dict(edit), self._stored(manager, task)))

    def resume_all(self) -> None:
        """Resume what is paused: a pause that was asked for again and again may have come after its resume."""
        for task, record in list(self._referee.disk.tasks.items()):
            if record.state == "paused":
                self._use(task, "resume")

    def _is_ready(self, manager: ManagerNode, task: str) -> bool:
        """Tell whether a manager holds a task if it is open; one that does not asks to try again."""
        return manager.holds(task) or self._referee.disk.tasks[task].state not in OPEN_STATES

    def _stored(self, manager: ManagerNode, task: str) -> LoadedTask | None:
        return None if manager.holds(task) else self._referee.disk.load_task(task, manager.name)

    def _send(self, manager: ManagerNode, event: ev.Event) -> bool:
        try:
            return manager.handle(event)
        except DisioError as refusal:
            self._clock.trace("refused", refusal)
            return True
