"""What the tasks of a run are, and what each of their units comes to.

Rule: whether a unit can succeed, and with what value, depends on its task and index alone, so that every client
agrees and every result can be checked.
"""

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache

import msgspec

from disio_shared.task_parts import Condition, StopWhen
from disio_shared.taskdoc import Kind, Policy, Requires
from tests.simulation.clockwork import Clockwork

LANGUAGES = ("javascript", "python", "wasm")
FOUND_EVERY = 5
"""Of the payloads of a task that searches each fifth one is found."""
PARTS = 5
STEPS = 4
"""Parts of a unit that saves its state after each but the last."""


@dataclass(frozen=True)
class Plan:
    """One task of a run."""

    name: str
    """Letters at its end tell what it is like: ``p`` has poison, ``f`` is flaky, ``c`` saves states, ``x`` can be
    run by nobody, ``s`` stops when enough of its last results are there, ``g`` gets its payloads in parts."""
    size: int
    language: str = "javascript"
    seconds: float = 1.0
    """What a unit takes on a client of speed 1."""
    at: float = 0.0
    """When it is created, in seconds from the start."""
    policy: Policy = field(default_factory=Policy)

    @property
    def has_states(self) -> bool:
        """Tell whether its units save states."""
        return self.name.endswith("c")

    @property
    def parts(self) -> int:
        """Tell in how many parts its payloads come; 0 = they all come with it."""
        return PARTS if self.name.endswith("g") else 0

    @property
    def searched(self) -> int:
        """Tell how many results are to be found; 0 = it does not search."""
        return 0 if self.policy.stop_when is None else self.policy.stop_when.count

    @property
    def is_hopeless(self) -> bool:
        """Tell whether no client can run it: only its deadline ends it."""
        return self.name.endswith("x")


@lru_cache(maxsize=4096)
def value_of(task: str, index: int) -> bytes:
    """Return the right result."""
    if task.endswith("s"):
        return b'["%s",%d,{"left":%d}]' % (task.encode(), index, index % FOUND_EVERY)
    return b'["%s",%d]' % (task.encode(), index)


def state_of(task: str, index: int, step: int) -> bytes:
    """Return what a unit saves after a step."""
    return b'["%s",%d,%d]' % (task.encode(), index, step)


def read_state(state: bytes) -> tuple[str, int, int]:
    """Return task, index and step of a saved state."""
    task, index, step = json.loads(state)
    return str(task), int(index), int(step)


def is_poison(task: str, index: int) -> bool:
    """Tell whether a payload fails wherever it runs."""
    return task.endswith("p") and index % 23 == 7


def is_flaky(task: str, index: int) -> bool:
    """Tell whether a payload fails now and then."""
    return task.endswith("f") and index % 7 == 3


def is_match(task: str, index: int) -> bool:
    """Tell whether a search for it ends with this result, or needs one less."""
    return task.endswith("s") and index % FOUND_EVERY == FOUND_EVERY - 1


def may_fail(task: str, index: int) -> bool:
    """Tell whether a payload may be quarantined."""
    return is_poison(task, index) or is_flaky(task, index)


def make_plans(clock: Clockwork, storm_s: float) -> list[Plan]:
    """Draw the tasks of a run: all kinds of them, spread over the storm, the first at its start."""
    draw, late = clock.random, 0.6 * storm_s
    limit = draw.choice([None, None, 1, 3])
    deadline = clock.wall + draw.uniform(20.0, storm_s + 60.0)
    plans = [
        _searching(clock, Plan("t1", 90, seconds=draw.choice([0.3, 2.0])), 0.3),
        Plan(
            "t2p", 60, at=draw.uniform(0.0, late), seconds=0.7,
            policy=Policy(max_failures=draw.choice([1, 2]), max_task_failures=limit, priority=draw.choice([0, 5])),
        ),
        Plan("t3c", 20, at=draw.uniform(0.0, late), seconds=draw.choice([4.0, 10.0]), policy=_policy(clock)),
        _searching(
            clock,
            Plan("t4", 40, at=draw.uniform(0.0, late), language=draw.choice(LANGUAGES), policy=_policy(clock)),
            0.5,
        ),
        Plan("t5f", 35, at=draw.uniform(0.0, late), policy=Policy(max_failures=draw.choice([1, 3]))),
    ]  # fmt: skip
    if clock.chance(0.5):
        plans.append(
            Plan("t7g", 30, at=draw.uniform(0.0, late), seconds=draw.choice([0.3, 2.0]), policy=_policy(clock))
        )
    if clock.chance(0.5):
        nobody = Policy(deadline=deadline)
        plans.append(Plan("t6x", 10, at=draw.uniform(0.0, late), language="cobol", policy=nobody))
    else:
        plans.append(Plan("t6", 30, at=draw.uniform(0.0, late), seconds=4.0, policy=Policy(deadline=deadline)))
    return plans


def _searching(clock: Clockwork, plan: Plan, likely: float) -> Plan:
    """Let a task now and then stop at its first, its third, its sixth, or (it never comes to that) hundredth find."""
    if not clock.chance(likely):
        return plan
    last = Condition(path="2.left", at_least=FOUND_EVERY - 1)
    stop = StopWhen(result=[Condition(path="1", exists=True), last], count=clock.random.choice([1, 3, 6, 100]))
    return replace(plan, name=f"{plan.name}s", policy=msgspec.structs.replace(plan.policy, stop_when=stop))


def _policy(clock: Clockwork) -> Policy:
    draw = clock.random
    some: list[tuple[Kind, ...]] = [("web", "cli"), ("web", "cli"), ("web",), ("cli",)]
    kinds = draw.choice(some)
    return Policy(
        priority=draw.choice([0, 0, 3]),
        weight=draw.choice([1.0, 4.0]),
        max_distributors=draw.choice([0, 0, 1, 2]),
        max_failures=2,
        requires=Requires(memory_mb=draw.choice([64, 64, 512]), kinds=list(kinds)),
    )
