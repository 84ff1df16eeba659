"""Virtual time: things happen in order of their moment, and one seed makes one history.

Rule: everything random comes from ``random``, everything timed from ``now``; nothing here looks at the real world.
"""

import itertools
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

Action = Callable[[], object]
STORY_LINES, WHOLE_STORY_LINES = 400, 100_000


class Clockwork:
    """A queue of things to happen.

    Args:
        seed: Names the run.
        is_verbose: Keep a story of every message too, for a replay that people read.
    """

    def __init__(self, seed: int, is_verbose: bool = False) -> None:
        self.seed, self.random, self.is_verbose = seed, Random(seed), is_verbose
        self.now = 1_000.0
        self.wall_offset = 1_700_000_000.0
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._story: deque[tuple[float, str]] = deque(maxlen=WHOLE_STORY_LINES if is_verbose else STORY_LINES)

    @property
    def wall(self) -> float:
        """Return true seconds since 1970, in this virtual world."""
        return self.now + self.wall_offset

    def after(self, delay_s: float, action: Action) -> None:
        """Let something happen ``delay_s`` seconds from now."""
        heappush(self._due, (self.now + delay_s if delay_s > 0.0 else self.now, next(self._order), action))

    def step(self) -> bool:
        """Let the next thing happen; return False when there is none."""
        if not self._due:
            return False
        self.now, _, action = heappop(self._due)
        action()
        return True

    def chance(self, probability: float) -> bool:
        """Draw."""
        return self.random.random() < probability

    def between(self, low: float, high: float) -> float:
        """Draw a number of seconds."""
        return low + (high - low) * self.random.random()

    def tell(self, text: str) -> None:
        """Add a line to the run's story, which a failure prints."""
        self._story.append((self.now, text))

    def trace(self, where: str, what: object) -> None:
        """Add a line about a message, when the run is told in full."""
        if self.is_verbose:
            self.tell(f"{where}: {str(what)[:300]}")

    def story(self) -> str:
        """Return the last lines of what happened."""
        return "\n".join(f"{at - 1000:10.3f}  {text}" for at, text in self._story)


class Host:
    """The machine of one process: it can stand still, restart, and be wrong about the date.

    Whatever reaches a process goes through ``run`` or ``after``: while it is stopped (SIGSTOP) all of it queues up,
    when it is killed all of it is gone.
    """

    def __init__(self, clock: Clockwork, name: str) -> None:
        self.clock, self.name = clock, name
        self.wall_error = 0.0
        """What its wall clock shows too much, in seconds."""
        self.life = 0
        self.is_stopped = False
        self._backlog: list[Action] = []

    @property
    def wall(self) -> float:
        """Return what this machine takes for the date."""
        return self.clock.wall + self.wall_error

    def run(self, action: Action) -> None:
        """Let something reach the process now."""
        if self.is_stopped:
            self._backlog.append(action)
        else:
            action()

    def after(self, delay_s: float, action: Action) -> None:
        """Do something later in this life of the process."""
        life = self.life

        def wake() -> None:
            if life == self.life:
                self.run(action)

        self.clock.after(delay_s, wake)

    def restart(self) -> None:
        """Forget all that was on its way inside the process."""
        self.life += 1
        self.is_stopped = False
        self._backlog.clear()

    def stop(self, seconds: float) -> None:
        """Stand still (SIGSTOP), then go on with everything that came meanwhile at once."""
        if self.is_stopped:
            return
        self.is_stopped, life = True, self.life
        self.clock.tell(f"{self.name} stopped for {seconds:.0f} s")
        self.clock.after(seconds, lambda: self.go_on() if life == self.life else None)

    def go_on(self) -> None:
        """Wake up (SIGCONT)."""
        self.is_stopped, life = False, self.life
        backlog, self._backlog = self._backlog, []
        for at, action in enumerate(backlog):
            if life != self.life:
                return
            if self.is_stopped:
                self._backlog += backlog[at:]
                return
            action()


class Alarm:
    """One process's timer: only the last deadline that was set goes off.

    Args:
        ring: What happens then.
    """

    def __init__(self, host: Host, ring: Action) -> None:
        self._host, self._ring = host, ring
        self._deadline: float | None = None
        self._armed: float | None = None
        self._life = -1

    def set(self, deadline: float | None) -> None:
        """Go off at ``deadline`` (None: not at all) instead of whenever it was set to before."""
        self._deadline = deadline
        if deadline is None:
            return
        is_armed = self._armed is not None and self._life == self._host.life
        if not is_armed or self._armed is None or deadline < self._armed:
            # An alarm that was set for sooner looks again by itself: moving a deadline later costs nothing.
            self._armed, self._life = deadline, self._host.life
            self._host.after(deadline - self._host.clock.now, lambda: self._look(deadline))

    def _look(self, armed: float) -> None:
        if armed != self._armed:
            return
        self._armed = None
        if self._deadline is None:
            return
        if self._deadline > self._host.clock.now:
            self.set(self._deadline)
            return
        self._deadline = None
        self._ring()
