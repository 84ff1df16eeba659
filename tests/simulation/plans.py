"""What the tasks of a run are, and what each of their units comes to.

Rule: whether a unit can succeed, and with what value, depends on its task and index alone, so that every client
agrees and every result can be checked.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache

from disio_shared.taskdoc import Kind, Policy, Requires
from tests.simulation.clockwork import Clockwork

LANGUAGES = ("javascript", "python", "wasm")
STEPS = 4
"""Parts of a unit that saves its state after each but the last."""


@dataclass(frozen=True)
class Plan:
    """One task of a run."""

    name: str
    """Letters at its end tell what it is like: ``p`` has poison, ``f`` is flaky, ``c`` saves states, ``x`` can be
    run by nobody."""
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
    def is_hopeless(self) -> bool:
        """Tell whether no client can run it: only its deadline ends it."""
        return self.name.endswith("x")


@lru_cache(maxsize=4096)
def value_of(task: str, index: int) -> bytes:
    """Return the right result."""
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


def may_fail(task: str, index: int) -> bool:
    """Tell whether a payload may be quarantined."""
    return is_poison(task, index) or is_flaky(task, index)


def make_plans(clock: Clockwork, storm_s: float) -> list[Plan]:
    """Draw the tasks of a run: all kinds of them, spread over the storm, the first at its start."""
    draw, late = clock.random, 0.6 * storm_s
    limit = draw.choice([None, None, 1, 3])
    deadline = clock.wall + draw.uniform(20.0, storm_s + 60.0)
    plans = [
        Plan("t1", 90, seconds=draw.choice([0.3, 2.0])),
        Plan(
            "t2p", 60, at=draw.uniform(0.0, late), seconds=0.7,
            policy=Policy(max_failures=draw.choice([1, 2]), max_task_failures=limit, priority=draw.choice([0, 5])),
        ),
        Plan("t3c", 20, at=draw.uniform(0.0, late), seconds=draw.choice([4.0, 10.0]), policy=_policy(clock)),
        Plan("t4", 40, at=draw.uniform(0.0, late), language=draw.choice(LANGUAGES), policy=_policy(clock)),
        Plan("t5f", 35, at=draw.uniform(0.0, late), policy=Policy(max_failures=draw.choice([1, 3]))),
    ]  # fmt: skip
    if clock.chance(0.5):
        nobody = Policy(deadline=deadline)
        plans.append(Plan("t6x", 10, at=draw.uniform(0.0, late), language="cobol", policy=nobody))
    else:
        plans.append(Plan("t6", 30, at=draw.uniform(0.0, late), seconds=4.0, policy=Policy(deadline=deadline)))
    return plans


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
