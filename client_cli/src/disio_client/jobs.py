"""A run in a slot: what is left of it, and whom to blame when its engine ends.

Rule: a unit is blamed only when it ended an engine while running alone; its neighbours are run again. Alone, units run
in order, and each answers before the next one starts: the first without an answer is to blame, even if it spoiled its
realm so thoroughly that the next one started. Code that does not load fails every unit of its run. Pure.
"""

from dataclasses import dataclass, field

from disio_client.engines import frames
from disio_client.events import StartRun
from disio_client.unit_logs import UnitLogs


@dataclass(slots=True, frozen=True)
class Death:
    """How an engine ended under a run."""

    kind: str
    """``timeout``, ``memory`` or ``crash``."""
    text: str


@dataclass(slots=True)
class Job:
    """A run and what is left of it; each pass over that has an engine of its own."""

    run: StartRun
    code: bytes
    open: dict[int, bytes] = field(init=False)
    """Index and payload of units not yet answered."""
    logs: UnitLogs = field(default_factory=UnitLogs)
    is_loaded: bool = False
    """The engine of this pass has its code."""
    _states: dict[int, bytes] = field(init=False)
    _current: int | None = None
    """The unit that runs alone now."""
    _is_single: bool = False
    _passes: int = 0
    _unknown_deaths: int = 0
    """Engines that died in single mode while no unit was known to run."""

    def __post_init__(self) -> None:
        self.open = dict(zip(self.run.indexes, self.run.payloads, strict=True))
        self._states = dict(self.run.states)

    def begin_pass(self) -> None:
        """Go over what is open; after an engine died, one unit at a time."""
        self._is_single = self._passes > 0 or len(self.open) == 1
        self._passes += 1
        self._current, self.is_loaded = None, False

    def message(self) -> frames.Run:
        """Return what to ask of an engine in this pass."""
        run = self.run
        return frames.Run(
            token=run.token,
            task=run.task,
            workunit=run.workunit,
            indexes=list(self.open),
            payloads=list(self.open.values()),
            states={index: state for index, state in self._states.items() if index in self.open},
            unit_timeout_s=run.unit_timeout_s,
            memory_mb=run.memory_mb,
            terms=run.terms,
            single=self._is_single,
        )

    def started(self, index: int) -> None:
        """Note which unit runs now."""
        self._current = index if index in self.open else None

    def saved(self, index: int, state: bytes) -> None:
        """Note a state, for the next pass."""
        self._states[index] = state

    def answered(self, indexes: list[int]) -> None:
        """Strike units off."""
        for index in indexes:
            self.open.pop(index, None)
        if self._current not in self.open:
            self._current = None

    def take_blamed(self, death: Death) -> tuple[list[int], str]:
        """Strike off what ended the engine of this pass and return it with its error text.

        Nothing is blamed for what may have been something else.
        """
        if death.kind == "crash" and self._passes == 1:
            return [], ""  # an engine may also be killed from outside: the unit gets a second one before it is blamed
        if not self.is_loaded:
            blamed, text = list(self.open), f"the work unit does not load: {death.text}"
        else:
            blamed, text = self._guilty(death) if self._is_single else [], death.text
        for index in blamed:
            del self.open[index]
        return blamed, text

    def _guilty(self, death: Death) -> list[int]:
        """Return the unit that ran alone; none when it is not known and another try may tell."""
        is_known, self._current = self._current is not None, None
        if not is_known:
            self._unknown_deaths += 1
            if self._unknown_deaths < 2 and death.kind == "crash":
                return []
        self._unknown_deaths = 0
        return [next(iter(self.open))]
