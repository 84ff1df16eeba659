"""A task that somebody created: followed, read and commanded, from any process.

Rule: the task lives at the manager; nothing here keeps what another process would need to go on.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from disio.rest.counted import counted
from disio.sdk.errors import BadArgument, WaitTimeout
from disio.sdk.notebook import task_html
from disio.sdk.numbers import Aggregates, aggregates_of
from disio.sdk.options import sized_payload
from disio.sdk.portions import parts_of
from disio.sdk.progress import Bar, Console, make_bar
from disio.sdk.reading import Link, Order, Reader, Rhythm
from disio.sdk.shapes import Failure, Result, TaskInfo, info_of

FAILURES_PAGE = 500


class AsyncTask:
    """One task at a manager.

    Args:
        link: The manager.
        info: The task, as it was seen last.
    """

    def __init__(self, link: Link, info: TaskInfo) -> None:
        self._link, self.info = link, info
        self._reader: Reader | None = None

    @property
    def id(self) -> str:
        """Names it, in any process."""
        return self.info.id

    @property
    def cursor(self) -> str:
        """Where the last reading of results stands, other than by index: any process goes on there."""
        return "" if self._reader is None else self._reader.cursor

    def __repr__(self) -> str:
        info = self.info
        return f"<disio task {info.id} {info.name!r}: {info.state}, {info.done} of {info.total} done>"

    def _repr_html_(self) -> str:
        return task_html(self.info)

    async def refresh(self) -> TaskInfo:
        """Ask how it is; return that, and keep it as ``info``.

        Raises:
            NotFound: It was deleted.
            ManagerUnreachable: No answer.
        """
        self.info = await self._link.look(self.id)
        return self.info

    async def wait(self, timeout: float | None = None, *, partial: bool = False) -> TaskInfo:
        """Return when it is over.

        Args:
            timeout: Seconds to wait; None = for as long as it takes.
            partial: An end with failed payloads, or before all were done, will do.

        Raises:
            TaskFailed: It ended otherwise than done.
            WaitTimeout: It is not over.
            NotFound: It was deleted.
            ManagerUnreachable: Nothing was heard for too long.
        """
        return await self._until_over(None, timeout, partial)

    async def progress(
        self, timeout: float | None = None, *, partial: bool = False, console: Console | None = None
    ) -> TaskInfo:
        """Show how far it is until it is over: a bar in a terminal or notebook, a line for each tenth elsewhere.

        Args:
            timeout: As in ``wait``.
            partial: As in ``wait``.
            console: Where; None = standard error, or the notebook.

        Raises:
            TaskFailed, WaitTimeout, NotFound, ManagerUnreachable: As in ``wait``.
        """
        with make_bar(console) as bar:
            return await self._until_over(bar, timeout, partial)

    def __await__(self) -> Generator[Any, None, TaskInfo]:
        return self.wait().__await__()

    def results(
        self, order: Order = "completed", start: int = 0, *, partial: bool = False, cursor: str = ""
    ) -> AsyncGenerator[Result, None]:
        """Yield results until the task is over; each once.

        Args:
            order: ``completed``: as they come; ``index``: of the payloads, where one that failed holds back those
                behind it until the task is over; ``none``: as they come, in large portions, which spares the manager.
            start: The first payload whose result is wanted.
            partial: An end with failed payloads, or before all were done, will do.
            cursor: ``cursor`` of a task that was read before: what was taken then is left out, but for a few.

        Raises:
            BadArgument: A cursor has no meaning in the order of payloads.
            TaskFailed: After the last result, if it ended otherwise than done.
            NotFound: It was deleted.
            ManagerUnreachable: Nothing was heard for too long.
        """
        return flat(self.batches(order, start, partial=partial, cursor=cursor))

    async def batches(
        self, order: Order = "completed", start: int = 0, *, partial: bool = False, cursor: str = ""
    ) -> AsyncGenerator[list[Result], None]:
        """Yield results as ``results`` does, some hundred at a time."""
        if cursor and order == "index":
            raise BadArgument("cursor goes with the orders 'completed' and 'none'; with 'index' there is start")
        reader = self._reader = Reader(self._link, self.info, order, start, cursor)
        async with aclosing(reader.batches()) as batches:
            async for batch in batches:
                self.info = reader.info
                yield batch
        self.info = reader.info
        if not partial:
            await self._link.refuse_partial(self.info)

    def __aiter__(self) -> AsyncIterator[Result]:
        return self.results()

    async def failures(self) -> list[Failure]:
        """Return the payloads that failed too often, in index order."""
        found: list[Failure] = []
        while True:
            start = found[-1].index + 1 if found else 0
            page = await self._link.failures(self.id, start, FAILURES_PAGE)
            found += page
            if len(page) < FAILURES_PAGE:
                return found

    async def retry(self, indexes: Sequence[int] | None = None) -> TaskInfo:
        """Queue the failed payloads again; return the task as it is then.

        Args:
            indexes: Of those that are meant, 10,000 at most; None = all that failed.

        Raises:
            Conflict: There are none, or one that is meant has not failed.
        """
        if indexes is None:
            return await self._command("retry")
        self.info = info_of(await self._link.manager.retry(self.id, indexes))
        return self.info

    async def cancel(self) -> TaskInfo:
        """End it; the results that came stay. One that is over stays as it is.

        Raises:
            Conflict: Its state does not allow it.
        """
        return await self._command("cancel")

    async def pause(self) -> TaskInfo:
        """Have nothing more of it handed out for now."""
        return await self._command("pause")

    async def resume(self) -> TaskInfo:
        """Go on with it after a pause."""
        return await self._command("resume")

    async def delete(self) -> None:
        """Remove it with its results."""
        await self._link.manager.delete(self.id)

    async def append(self, values: Iterable[Any]) -> TaskInfo:
        """Give a growing task (``{"open": [...]}``) more payloads, behind those that this program knows of.

        Args:
            values: JSON values, or ``bytes``.

        Raises:
            BadArgument: A value is nothing that JSON can hold.
            Conflict: Others were given meanwhile (``refresh`` tells how many), or it takes no more.
        """
        payloads = [sized_payload(value, f"value {at}")[0] for at, value in enumerate(values)]
        ask = self._link.patience().ask
        for part in parts_of(payloads) if payloads else []:
            start, those = self.info.total, [payloads[at] for at in part]
            total = await ask(functools.partial(self._link.manager.append_payloads, self.id, start, those))
            self.info = msgspec.structs.replace(self.info, total=total)
        return self.info

    async def close(self) -> TaskInfo:
        """Give a growing task nothing more: it is done when all its payloads are."""
        return await self._command("close")

    async def edit(self, **changes: Any) -> TaskInfo:
        """Change ``name``, ``tags``, ``description``, ``aggregates`` or parts of ``policy`` (a dict).

        Returns:
            The task as it is then.

        Raises:
            InvalidRequest: A field cannot be changed, or not to that.
        """
        self.info = info_of(await self._link.manager.edit(self.id, changes))
        return self.info

    async def explain(self) -> list[str]:
        """Return why it is (not) progressing, in sentences with a remedy."""
        return list((await self._link.manager.explain(self.id))["sentences"])

    async def aggregates(self) -> Aggregates:
        """Return numbers about its results so far: count, mean, extremes and histogram of each numeric field."""
        return aggregates_of(await counted(lambda: self._link.manager.aggregates(self.id)))

    async def provenance(self) -> dict[str, Any]:
        """Return where its results come from: document, code, software, clients and distributors, votes, times."""
        return await counted(lambda: self._link.manager.provenance(self.id))

    async def document(self) -> dict[str, Any]:
        """Return the document that would make it again, every default filled in."""
        return await self._link.manager.document(self.id)

    async def _command(self, verb: str) -> TaskInfo:
        self.info = info_of(await self._link.manager.verb(self.id, verb))
        return self.info

    async def _until_over(self, bar: Bar | None, timeout: float | None, partial: bool) -> TaskInfo:
        try:
            async with asyncio.timeout(timeout):
                await self._follow(bar)
        except TimeoutError as error:
            info = self.info
            raise WaitTimeout(
                f"task {info.id} is {info.state} after {timeout} s: {info.done} of {info.total}"
            ) from error
        if not partial:
            await self._link.refuse_partial(self.info)
        return self.info

    async def _follow(self, bar: Bar | None) -> None:
        rhythm, patience, clock = Rhythm(), self._link.patience(), asyncio.get_running_loop().time
        while True:
            began = clock()
            await patience.ask(self.refresh)
            if bar is not None:
                bar.show(self.info)
            if self.info.is_over:
                return
            await rhythm.rest(clock() - began)


async def flat(batches: AsyncGenerator[list[Result], None]) -> AsyncGenerator[Result, None]:
    """Yield the items of batches."""
    async with aclosing(batches):
        async for batch in batches:
            for result in batch:
                yield result
