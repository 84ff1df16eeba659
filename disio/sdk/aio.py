"""A connection to a manager, for programs with an event loop.

Rule: a call is made again by itself only if that cannot do anything twice.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, get_args, overload

import msgspec

from disio.patience import LIMIT_S
from disio.rest import NotFound
from disio.sdk.errors import BadArgument
from disio.sdk.feeding import Feeder, TaskFeeder
from disio.sdk.finding import Place, find_manager
from disio.sdk.functions import Workable, unit_of
from disio.sdk.mapping import BUFFER, AsyncMapping, MapRun, Values, portion_of
from disio.sdk.options import MapOptions, Options, name_of, payloads_of, policy_of
from disio.sdk.reading import Link, Order
from disio.sdk.shapes import Preview, info_of, preview_of
from disio.sdk.streaming import GrowingFeeder
from disio.sdk.tasks import AsyncTask
from disio.sdk.units import WorkUnit
from disio.submitting.uploading import upload_file
from disio_shared.ids import fresh_id

KEY_LENGTH = 24
PAGE = 200
ResultT = TypeVar("ResultT")


class AsyncClient:
    """Submits tasks to a manager and finds them again. Use as an async context manager.

    Args:
        manager: URL; None = ``DISIO_MANAGER``, or the manager of this machine.
        token: Its admin token; None = what the next one says.
        token_file: File with it; None = ``DISIO_TOKEN_FILE``, or the one in the data directory.
        data_dir: Where a manager of this machine keeps its data; None = ``DISIO_DATA_DIR``, or the usual place.
        timeout_s: Seconds that one answer may take.
        patience_s: Seconds that the manager may be away while tasks are sent, waited for or read.

    Raises:
        ConfigError: What is named is no URL.
        ManagerUnreachable: None is named and none runs on this machine; or, on entering, it does not answer.
        NotAuthorized: There is no token; or, on entering, it is wrong.
    """

    def __init__(
        self,
        manager: str | None = None,
        *,
        token: str | None = None,
        token_file: Place | None = None,
        data_dir: Place | None = None,
        timeout_s: float = 30.0,
        patience_s: float = LIMIT_S,
    ) -> None:
        self._manager = find_manager(manager, token, token_file, data_dir, timeout_s)
        self._link = Link(self._manager, patience_s)
        self.cluster = ""
        """Id of the manager's cluster."""

    @property
    def url(self) -> str:
        """The manager's."""
        return self._manager.url

    async def __aenter__(self) -> Self:
        await self._manager.__aenter__()
        try:
            self.cluster = str((await self._manager.me())["cluster"])
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection; tasks go on."""
        await self._manager.__aexit__(None, None, None)

    async def submit(
        self,
        unit: Workable,
        payloads: object,
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        description: str = "",
        key: str | None = None,
        **options: Unpack[Options],
    ) -> AsyncTask:
        """Create a task.

        Args:
            unit: A function, a work unit, or the file of one.
            payloads: A list of values (``bytes`` too), a ``range``, or a spec such as ``{"grid": {...}}``.
            name: None = the unit's.
            tags: For finding it again.
            description: What it computes, for people.
            key: The same key with the same task finds the one it made before; None = this is another one.
            options: Fields of its policy.

        Raises:
            BadArgument: The unit cannot run, or a value is nothing that JSON can hold.
            CannotShip: The function cannot be written down.
            InvalidRequest: The manager does not take it; ``errors`` names each wrong field.
            ManagerUnreachable: Nothing was heard for too long.
        """
        work = unit_of(unit)
        document: dict[str, Any] = {"name": name_of(name or work.name)}
        document |= {"tags": list(tags)} if tags else {}
        document |= {"description": description} if description else {}
        policy = policy_of({**work.options, **options})
        document |= {"workunit": work.spec(), "payloads": payloads_of(payloads)}
        return await self.submit_document(document | ({"policy": policy} if policy else {}), key=key)

    async def submit_document(self, document: dict[str, Any] | bytes | str, *, key: str | None = None) -> AsyncTask:
        """Create a task of a whole document, as a dict or as JSON.

        Raises:
            InvalidRequest: The manager does not take it; ``errors`` names each wrong field.
            ManagerUnreachable: Nothing was heard for too long.
        """
        body: Any = document if isinstance(document, dict) else _json(document)
        used = key or fresh_id(KEY_LENGTH)
        made = await self._link.patience().ask(lambda: self._manager.create_task(body, used))
        return AsyncTask(self._link, info_of(made))

    @overload
    def map(
        self, unit: Callable[..., Coroutine[Any, Any, ResultT]], *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> AsyncMapping[ResultT]: ...

    @overload
    def map(
        self, unit: Callable[..., ResultT], *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> AsyncMapping[ResultT]: ...

    @overload
    def map(
        self, unit: WorkUnit | str | Path, *iterables: Iterable[Any], **how: Unpack[MapOptions]
    ) -> AsyncMapping[Any]: ...

    def map(self, unit: Workable, *iterables: Iterable[Any], **how: Unpack[MapOptions]) -> AsyncMapping[Any]:
        """Return what a unit gives for each value, computed while it is iterated over.

        Args:
            unit: As for ``submit``. A function is called with one item of each iterable.
            iterables: Ranges, lists, or anything that can be iterated over, endless ones too.
            how: ``order``: ``index`` (of the values), ``completed`` (as they come) or ``none`` (as they come, in large
                portions); ``buffer``: values read ahead of the results that were taken; ``partial``: values that failed
                are left out; ``name``, ``tags`` and ``description`` of its tasks, and fields of their policy.

        Raises:
            CannotShip: The function cannot be written down.
            UnitFailed: While iterating by index, when it is the turn of a value that failed.
            TaskFailed: While iterating otherwise, after the results, if some failed; or somebody ended a task.
        """
        return AsyncMapping(*self.mapped(unit, iterables, dict(how)))

    def mapped(
        self, unit: Workable, iterables: tuple[Iterable[Any], ...], how: dict[str, Any]
    ) -> tuple[Callable[[], MapRun], Values]:
        """Return what ``map`` is made of."""
        buffer, order = max(1, how.pop("buffer", BUFFER)), how.pop("order", "index")
        partial = how.pop("partial", False)
        if order not in get_args(Order):
            raise TypeError(f"order is one of {', '.join(get_args(Order))}, not {order!r}")
        work = unit_of(unit, "args" if len(iterables) > 1 else None)

        async def submit(spec: dict[str, Any]) -> AsyncTask:
            return await self.submit(work, spec, **how)

        policy_of({name: value for name, value in how.items() if name not in ("name", "tags", "description")})
        return lambda: MapRun(self._link, submit, order, buffer, partial), Values(iterables, portion_of(buffer))

    def feeder(self, name: str | None) -> Feeder:
        """Return what has calls of an executor computed.

        Args:
            name: Of the tasks; None = the function's.
        """

        async def submit(unit: WorkUnit, payloads: Any) -> AsyncTask:
            return await self.submit(unit, payloads, name=name)

        return GrowingFeeder(self._link, submit, TaskFeeder(self._link, submit))

    async def slots(self) -> int:
        """Return how many units the connected clients can run at a time."""
        return int((await self.stats())["slots"])

    async def task(self, id: str | int) -> AsyncTask:
        """Return a task that was made before, by whichever process.

        Args:
            id: Its id, or its number.

        Raises:
            NotFound: There is none.
        """
        if isinstance(id, str):
            return AsyncTask(self._link, await self._link.look(id))
        items = (await self._manager.tasks(numbers=str(id)))["items"]
        if not items:
            raise NotFound(404, f"there is no task {id}", [])
        return AsyncTask(self._link, info_of(items[0]))

    async def tasks(self, state: str = "", q: str = "") -> AsyncGenerator[AsyncTask, None]:
        """Yield tasks, the newest first.

        Args:
            state: Those in this state alone.
            q: Those with this in their name or in a tag.
        """
        cursor = ""
        while True:
            page = await self._manager.tasks(state, q, PAGE, cursor)
            for item in page["items"]:
                yield AsyncTask(self._link, info_of(item))
            cursor = str(page["next_cursor"] or "")
            if not cursor:
                return

    async def preview(self, payloads: object) -> Preview:
        """Return how many payloads a spec makes, the first 20 and the last 3; nothing is created.

        Raises:
            InvalidRequest: It makes none.
        """
        return preview_of(await self._manager.preview(payloads_of(payloads)))

    async def upload(self, file: Place) -> str:
        """Send a file whose content becomes payloads, or what is missing of it; return what names it.

        That goes into a spec: ``{"blob": name, "format": "lines"}``, or ``ndjson``, ``csv``, or ``files`` for a tar.

        Raises:
            BadArgument: It cannot be read.
            InvalidRequest: It changed on the way, or is too large.
            ManagerUnreachable: Nothing was heard for too long.
        """
        try:
            with await asyncio.to_thread(open, file, "rb") as opened:
                sha256 = (await asyncio.to_thread(hashlib.file_digest, opened, "sha256")).hexdigest()
                size = opened.seek(0, os.SEEK_END)
                await self._link.patience().ask(lambda: upload_file(self._manager, sha256, size, opened))
        except OSError as error:
            raise BadArgument(f"{file} cannot be read: {error.strerror or error}") from error
        return sha256

    async def stats(self) -> dict[str, Any]:
        """Return the cluster in a few numbers: ``rate clients slots distributors tasks``."""
        return await self._manager.stats()

    async def distributors(self) -> list[dict[str, Any]]:
        """Return every distributor ever seen."""
        return await self._manager.distributors()

    async def request(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Make any call of the REST interface, such as ``request("GET", "/api/managers")``; return its JSON.

        Raises:
            RestProblem: It is refused.
        """
        return await self._manager.json(method, path, body)


def _json(text: bytes | str) -> Any:
    """Return JSON as it stands: numbers of any size stay what they are."""
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)
