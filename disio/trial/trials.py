"""What is tried, and what became of it.

Rule: values are in wire form here (see `disio_shared.values`); only what people see is decoded.
"""

from dataclasses import dataclass, field

from disio_shared.errors import DisioError
from disio_shared.messages import Terms

TASK = "test"
"""Seeds ``unit.random``: units that are tried draw the same numbers each time."""


class TrialFailed(DisioError):
    """Nothing could be tried; says why and what to do."""

    code = "trial"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem + (f" ({remedy})" if remedy else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A unit, how it is run, and one payload."""

    language: str
    code: bytes
    payload: bytes
    index: int = 0
    state: bytes | None = None
    """What an earlier client saved."""
    unit_timeout_s: float = 60.0
    memory_mb: int = 0
    """0 = the client's own limit."""
    terms: Terms = field(default_factory=Terms)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one engine made of one trial."""

    kind: str = "crash"
    """``ok``, or a failure's kind."""
    value: bytes | None = None
    error: str = ""
    seconds: float | None = None
    """As the engine measured it; None for a unit that failed."""
    memory_bytes: int | None = None
    """Most that the engine took beyond what it takes when idle; None where that cannot be seen."""
    logs: list[str] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Tell whether the unit ended with a value."""
        return self.kind == "ok"
