"""What a run tells at its end, and its exit status.

Rule: 0 is said only when every result that was asked for is there.
"""

import msgspec

FAILURE, FAILED_PAYLOADS = 1, 6
FINISHED_STATES = ("done", "failed")
"""States to which a task comes by what became of its payloads."""


class Report(msgspec.Struct, kw_only=True):
    """One run; with ``--json`` its fields are the object on stdout."""

    task: str | None = None
    """The task that was followed last; None = there was nothing to compute."""
    state: str = "done"
    total: int = 0
    """Inputs, or payloads."""
    already: int = 0
    """Inputs that had an output before."""
    written: int = 0
    """Outputs, or results, that were written."""
    failed: int = 0
    failures: str | None = None
    """The file that names those that failed."""
    seconds: float = 0.0

    def status(self) -> int:
        """Return the exit status: 0, 1 when the task was ended by somebody or its deadline, 6 with failed payloads."""
        if self.state not in FINISHED_STATES:
            return FAILURE
        return FAILED_PAYLOADS if self.failed else 0

    def sentence(self) -> str:
        """Return the end in a sentence."""
        numbers = f"{self.written} written"
        numbers += f", {self.already} were there already" if self.already else ""
        numbers += f", {self.failed} failed" if self.failed else ""
        if self.state in FINISHED_STATES:
            return numbers
        why = {"cancelled": "somebody cancelled the task", "expired": "the task's deadline is over"}
        return (
            f"{why.get(self.state, f'the task is {self.state}')}: {numbers} of {self.total}; run it again for the rest"
        )
