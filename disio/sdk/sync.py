"""The same for programs without an event loop: every call waits for its answer.

Rule: nothing is decided here; each method is the one of the same name in ``aio`` or ``tasks``, run in the shared loop.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, overload

from disio.sdk.aio import AsyncClient
from disio.sdk.executor import Executor
from disio.sdk.finding import Place
from disio.sdk.functions import Workable
from disio.sdk.loop import Loop, shared_loop
from disio.sdk.mapping import Mapping
from disio.sdk.numbers import Aggregates
from disio.sdk.options import MapOptions, Options
from disio.sdk.pool import Pool
from disio.sdk.progress import Console
from disio.sdk.reading import Order
from disio.sdk.shapes import Failure, Preview, Result, TaskInfo
from disio.sdk.tasks import AsyncTask
from disio.sdk.units import Runtime, WorkUnit

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Task:
    """One task at a manager; see ``AsyncTask``.

    Args:
        loop: Where it is asked.
        task: The same, for an event loop.
    """

    def __init__(self, loop: Loop, task: AsyncTask) -> None:
        self.loop, self.inner = loop, task

    @property
    def id(self) -> str:
        """Names it, in any process."""
        return self.inner.id

    @property
    def info(self) -> TaskInfo:
        """The task, as it was seen last."""
        return self.inner.info

    @property
    def cursor(self) -> str:
        """Where the last reading of results stands; see ``AsyncTask.cursor``."""
        return self.inner.cursor

    def __repr__(self) -> str:
        return repr(self.inner)

    def _repr_html_(self) -> str:
        return self.inner._repr_html_()

    def refresh(self) -> TaskInfo:
        """Ask how it is; see ``AsyncTask.refresh``."""
        return self.loop.run(self.inner.refresh())

    def wait(self, timeout: float | None = None, *, partial: bool = False) -> TaskInfo:
        """Return when it is over; see ``AsyncTask.wait``."""
        return self.loop.run(self.inner.wait(timeout, partial=partial))

    def progress(
        self, timeout: float | None = None, *, partial: bool = False, console: Console | None = None
    ) -> TaskInfo:
        """Show how far it is until it is over; see ``AsyncTask.progress``."""
        return self.loop.run(self.inner.progress(timeout, partial=partial, console=console))

    def results(
        self, order: Order = "completed", start: int = 0, *, partial: bool = False, cursor: str = ""
    ) -> Generator[Result, None, None]:
        """Yield results until the task is over; see ``AsyncTask.results``."""
        return one_by_one(self.loop, self.inner.batches(order, start, partial=partial, cursor=cursor))

    def __iter__(self) -> Iterator[Result]:
        return self.results()

    def failures(self) -> list[Failure]:
        """Return the payloads that failed too often; see ``AsyncTask.failures``."""
        return self.loop.run(self.inner.failures())

    def retry(self, indexes: Sequence[int] | None = None) -> TaskInfo:
        """Queue the failed payloads again; see ``AsyncTask.retry``."""
        return self.loop.run(self.inner.retry(indexes))

    def cancel(self) -> TaskInfo:
        """End it; see ``AsyncTask.cancel``."""
        return self.loop.run(self.inner.cancel())

    def pause(self) -> TaskInfo:
        """Have nothing more of it handed out for now; see ``AsyncTask.pause``."""
        return self.loop.run(self.inner.pause())

    def resume(self) -> TaskInfo:
        """Go on with it after a pause; see ``AsyncTask.resume``."""
        return self.loop.run(self.inner.resume())

    def delete(self) -> None:
        """Remove it with its results; see ``AsyncTask.delete``."""
        self.loop.run(self.inner.delete())

    def append(self, values: Iterable[Any]) -> TaskInfo:
        """Give a growing task more payloads; see ``AsyncTask.append``."""
        return self.loop.run(self.inner.append(values))

    def close(self) -> TaskInfo:
        """Give a growing task nothing more; see ``AsyncTask.close``."""
        return self.loop.run(self.inner.close())

    def edit(self, **changes: Any) -> TaskInfo:
        """Change what can be changed; see ``AsyncTask.edit``."""
        return self.loop.run(self.inner.edit(**changes))

    def explain(self) -> list[str]:
        """Return why it is (not) progressing; see ``AsyncTask.explain``."""
        return self.loop.run(self.inner.explain())

    def aggregates(self) -> Aggregates:
        """Return numbers about its results so far; see ``AsyncTask.aggregates``."""
        return self.loop.run(self.inner.aggregates())

    def provenance(self) -> dict[str, Any]:
        """Return where its results come from; see ``AsyncTask.provenance``."""
        return self.loop.run(self.inner.provenance())

    def document(self) -> dict[str, Any]:
        """Return the document that would make it again; see ``AsyncTask.document``."""
        return self.loop.run(self.inner.document())


class Client:
    """Submits tasks to a manager and finds them again; see ``AsyncClient``. Use as a context manager, or ``close`` it.

    Raises:
        ConfigError, ManagerUnreachable, NotAuthorized: As ``AsyncClient`` and entering it do.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client, self._loop = client, shared_loop()
        self._loop.run(client.__aenter__())
        self._loop.closing.add(client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; tasks go on."""
        if self._loop.is_alive:
            self._loop.closing.discard(self._client.close)
            self._loop.run(self._client.close())

    @property
    def url(self) -> str:
        """The manager's."""
        return self._client.url

    @property
    def cluster(self) -> str:
        """Id of the manager's cluster."""
        return self._client.cluster

    def submit(
        self,
        unit: Workable,
        payloads: object,
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        description: str = "",
        key: str | None = None,
        **options: Unpack[Options],
    ) -> Task:
        """Create a task; see ``AsyncClient.submit``."""
        made = self._client.submit(unit, payloads, name=name, tags=tags, description=description, key=key, **options)
        return Task(self._loop, self._loop.run(made))

    def submit_document(self, document: dict[str, Any] | bytes | str, *, key: str | None = None) -> Task:
        """Create a task of a whole document; see ``AsyncClient.submit_document``."""
        return Task(self._loop, self._loop.run(self._client.submit_document(document, key=key)))

    @overload
    def map(
        self, unit: Callable[..., Coroutine[Any, Any, ResultT]], *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> Mapping[ResultT]: ...

    @overload
    def map(
        self, unit: Callable[..., ResultT], *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> Mapping[ResultT]: ...

    @overload
    def map(
        self, unit: WorkUnit | str | Path, *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> Mapping[Any]: ...

    def map(self, unit: Workable, *iterables: Iterable[Any], **how: Unpack[MapOptions]) -> Mapping[Any]:
        """Return what a unit gives for each value, computed while it is iterated over; see ``AsyncClient.map``."""
        return Mapping(self._loop, *self._client.mapped(unit, iterables, dict(how)))

    def executor(
        self,
        *,
        max_workers: int | None = None,
        runtime: Runtime = "sandbox",
        name: str | None = None,
        **options: Unpack[Options],
    ) -> Executor:
        """Return an executor like those of ``concurrent.futures``, whose calls are computed by the cluster.

        Args:
            max_workers: Calls that are computed at a time; None = four for each slot of the cluster, 16 at least.
            runtime: ``native`` for machines that trust this cluster.
            name: Of its tasks; None = the function's.
            options: Fields of the policy of its tasks. ``max_failures`` is 1 unless it is said otherwise.

        Raises:
            ValueError: ``max_workers`` is not positive.
        """
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        feeder = self._client.feeder(name)
        pool = Pool(self._loop, feeder, self._client.slots, max_workers)
        return Executor(pool, runtime, {"max_failures": 1, **options})

    def task(self, id: str | int) -> Task:
        """Return a task that was made before; see ``AsyncClient.task``."""
        return Task(self._loop, self._loop.run(self._client.task(id)))

    def tasks(self, state: str = "", q: str = "") -> Iterator[Task]:
        """Yield tasks, the newest first; see ``AsyncClient.tasks``."""
        for task in each(self._loop, self._client.tasks(state, q)):
            yield Task(self._loop, task)

    def preview(self, payloads: object) -> Preview:
        """Return what a payload spec makes; see ``AsyncClient.preview``."""
        return self._loop.run(self._client.preview(payloads))

    def slots(self) -> int:
        """Return how many units the connected clients can run at a time; see ``AsyncClient.slots``."""
        return self._loop.run(self._client.slots())

    def upload(self, file: Place) -> str:
        """Send a file whose content becomes payloads; see ``AsyncClient.upload``."""
        return self._loop.run(self._client.upload(file))

    def stats(self) -> dict[str, Any]:
        """Return the cluster in a few numbers; see ``AsyncClient.stats``."""
        return self._loop.run(self._client.stats())

    def distributors(self) -> list[dict[str, Any]]:
        """Return every distributor ever seen; see ``AsyncClient.distributors``."""
        return self._loop.run(self._client.distributors())

    def request(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Make any call of the REST interface; see ``AsyncClient.request``."""
        return self._loop.run(self._client.request(method, path, body))


def each(loop: Loop, items: AsyncGenerator[ItemT, None]) -> Generator[ItemT, None, None]:
    """Yield what an asynchronous generator of the loop yields; it is closed with this one."""
    pull = _Pull(items)
    try:
        while found := loop.run(pull.next()):
            yield found[0]
    finally:
        loop.finish(pull.close())


class _Pull(Generic[ItemT]):
    """Takes items one after the other; it is closed when what was broken off by Ctrl-C has come to its end.

    Args:
        items: Where from.
    """

    def __init__(self, items: AsyncGenerator[ItemT, None]) -> None:
        self._items, self._turn = items, asyncio.Lock()

    async def next(self) -> tuple[ItemT] | None:
        """Return the next item, wrapped; None = there is none."""
        async with self._turn:
            try:
                return (await anext(self._items),)
            except StopAsyncIteration:
                return None

    async def close(self) -> None:
        """Take no more."""
        async with self._turn:
            await self._items.aclose()


def one_by_one(loop: Loop, batches: AsyncGenerator[list[ItemT], None]) -> Generator[ItemT, None, None]:
    """Yield the items of batches: the loop is asked once a batch."""
    for batch in each(loop, batches):
        yield from batch
