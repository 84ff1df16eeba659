"""Reading what came of a task in the order in which it came.

Rule: each result is given once, though the manager may tell of one again; a cursor is passed on when all before it
was taken.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from disio.patience import Patience
from disio.rest import ManagerClient
from disio.sdk.shapes import Failure, Result, answer_of
from disio_shared.errors import ManagerUnreachable
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES

PAGE = 10_000
BATCH, BATCH_BYTES = 256, 4 << 20
"""Results, and bytes of them, that are given at a time."""
LARGE_BYTES = 8 << 20
"""Of a page."""
END = 10**12
"""Beyond every index."""


class Arrivals:
    """Pages of what came of one task.

    Args:
        manager: Has the task.
        task: Its id.
        patience: For a manager that is away.
        start: The first payload whose result is wanted.
        cursor: What came before it is not wanted; empty = all is.
        with_failures: Payloads that failed are wanted too.
        wait_s: Seconds that the manager waits for the first row of a page.
    """

    def __init__(
        self,
        manager: ManagerClient,
        task: str,
        patience: Patience,
        start: int = 0,
        cursor: str = "",
        with_failures: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        self._manager, self._task, self._patience = manager, task, patience
        self._with_failures, self._wait_s = with_failures, wait_s
        self._results, self._failures = RangeSet([(start, END)]), RangeSet([(start, END)])
        self.cursor = cursor
        """Where reading stands: all before it was given, and taken."""
        self.is_over = False
        """The task was, before the last page was read."""
        self.rows = 0
        """Of the last page."""
        self.is_large = False
        """The last page was: there may well be more behind it already."""

    async def page(self) -> AsyncGenerator[list[Result | Failure], None]:
        """Yield what came since the last page; gone on with where it broke off if the manager goes away.

        Raises:
            NotFound: The task was deleted.
            InvalidRequest: The cursor is none.
            ManagerUnreachable: Nothing was heard for too long.
        """
        while True:
            try:
                async with aclosing(self._rows()) as batches:
                    async for batch in batches:
                        yield batch
            except ManagerUnreachable as error:
                await self._patience.wait(error)
            else:
                self._patience.heard()
                return

    async def _rows(self) -> AsyncGenerator[list[Result | Failure], None]:
        told: list[Mapping[str, str]] = []
        batch: list[Result | Failure] = []
        size = bytes_ = count = 0
        lines = self._manager.raw_finished(
            self._task, self.cursor, PAGE, told.append, with_failures=self._with_failures, wait_s=self._wait_s
        )
        try:
            async with aclosing(lines):
                async for line in lines:
                    count, bytes_ = count + 1, bytes_ + len(line)
                    found = answer_of(line, self._task)
                    if self._is_new(found):
                        batch.append(found)
                        size += len(line)
                    if len(batch) >= BATCH or size >= BATCH_BYTES:
                        yield batch
                        batch, size = [], 0
        except ManagerUnreachable:
            if batch:
                yield batch  # they are not given again
            raise
        if batch:
            yield batch
        self.cursor = told[0].get("X-Cursor", "")
        self.is_over = told[0].get("X-Task-State", "") not in OPEN_STATES
        self.rows, self.is_large = count, count >= PAGE or bytes_ >= LARGE_BYTES

    def _is_new(self, found: Result | Failure) -> bool:
        left = self._results if isinstance(found, Result) else self._failures
        return bool(left.remove(found.index, found.index + 1))
