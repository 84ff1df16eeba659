"""Tells the addresses that tasks name what became of them.

Rule: what is to be told stands in the store until an address has taken it, said that it is gone, or did not answer for
all of ``WAITS``; a receiver may hear of one thing more than once, always under the same id.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import msgspec

from disio_manager.api.shapes import task_item
from disio_manager.core.commands import Announce
from disio_manager.core.events import HooksChanged
from disio_manager.core.records import Due, LoadedTask, TaskRecord
from disio_manager.service import ManagerService
from disio_manager.signing import headers_of, key_of
from disio_manager.stalls import Stalls
from disio_manager.targets import socket_factory
from disio_shared import __version__
from disio_shared.errors import DisioError, TaskNotFound, UnavailableError
from disio_shared.logs import logger
from disio_shared.task_parts import Webhook

WAITS = (5.0, 30.0, 120.0, 600.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0)
"""Seconds after each try that came to nothing, jittered."""
TRY_S = 10.0
LOOK_S = 5.0
LEARN_S = 20.0
SCAN_S = 600.0
"""Seconds between looks at all tasks, where another manager may leave something behind or something did not fit."""
MAX_AT_ONCE = 16
MAX_PENDING = 10_000
PAGE = 500
GONE = 410
Submit = Callable[[str, Callable[[LoadedTask | None], HooksChanged]], Awaitable[None]]


@dataclass(slots=True)
class Delivery:
    """One thing that one address is to hear."""

    task: str
    due: Due
    key: bytes
    body: bytes
    at: float
    """Steady time of the next try."""
    tries: int = 0
    trouble: str = ""
    """Why the last try came to nothing."""
    is_busy: bool = False
    is_over: bool = False
    """The address has it, or nobody is to have it any more."""


class Webhooks:
    """Delivers.

    Args:
        service: Of this manager.
        submit: Hands in an event about a task, open or closed.
        is_mine: Tells whether this manager is to tell what is due of a task.
        key: For webhooks without a secret of their own.
        is_private_allowed: Addresses of this machine and of private networks may be told.
    """

    def __init__(
        self,
        service: ManagerService,
        submit: Submit,
        is_mine: Callable[[TaskRecord], bool],
        key: bytes,
        is_private_allowed: bool,
    ) -> None:
        self._service, self._submit, self._is_mine, self._key = service, submit, is_mine, key
        self._is_private_allowed = is_private_allowed
        self._pending: dict[str, Delivery] = {}
        self._noted: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        # On a shared store it is not known yet which of the others are alive.
        self._scan_at = service.clock.steady() + (LEARN_S if service.store.is_shared else 0.0)
        self._is_left_out = False
        """There was no room for what is to be told of some task: it is looked for again."""
        self.stalls = Stalls()
        self._log = logger("manager.webhooks")

    def note(self, command: Announce) -> None:
        """Know that there is something to tell of a task, or nothing any more."""
        if command.topic == "hooks":
            self._noted[command.task] = None
            self._wake.set()
        elif command.topic == "task-deleted":
            for delivery in [each for each in self._pending.values() if each.task == command.task]:
                delivery.is_over, delivery.at = True, 0.0

    def told(self, task: str) -> list[str]:
        """Return sentences about what addresses have not taken yet."""
        found = [each for each in self._pending.values() if each.task == task and each.trouble]
        return [f"The webhook {each.due.url} could not be told ({each.trouble}): it is tried again." for each in found]

    async def run(self) -> None:
        """Deliver until cancelled."""
        connector = aiohttp.TCPConnector(
            limit=MAX_AT_ONCE, force_close=True, socket_factory=socket_factory(self._is_private_allowed)
        )
        timeout = aiohttp.ClientTimeout(total=TRY_S)
        jar = aiohttp.DummyCookieJar()
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as http:
                while True:
                    self._wake.clear()
                    with contextlib.suppress(UnavailableError):  # what is to be told is in the store
                        await self._look()
                    self._start(http)
                    await self._rest()
        finally:
            for running in self._running:
                running.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _look(self) -> None:
        now = self._service.clock.steady()
        await self._look_for_stalls(now)
        if now >= self._scan_at:
            self._is_left_out = False
            await self._scan()
            is_due_again = self._is_left_out or self._service.store.is_shared
            self._scan_at = now + SCAN_S if is_due_again else float("inf")
        for task in list(self._noted):
            del self._noted[task]
            try:
                record = await self._record(task)
            except UnavailableError:
                self._noted[task] = None
                raise
            if record is not None:
                self._take(record)

    async def _look_for_stalls(self, now: float) -> None:
        for view in self.stalls.look(self._service.coordinator.task_views(now), now):
            record = view.record
            if self._is_mine(record) and any("stalled" in hook.events for hook in record.webhooks):
                await self._change(record.id, happened="stalled")

    async def _scan(self) -> None:
        """Look at all tasks for what is to be told."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._service.store.tasks("", "", PAGE, cursor)
            for record in page.items:
                self._take(record)
            cursor = page.next_cursor

    def _take(self, record: TaskRecord) -> None:
        if not record.due or not self._is_mine(record):
            return
        view = self._service.coordinator.task_view(record.id, self._service.clock.steady())
        for due in record.due:
            if due.id in self._pending:
                continue
            if len(self._pending) >= MAX_PENDING:
                self._is_left_out, self._scan_at = True, min(self._scan_at, self._service.clock.steady() + SCAN_S)
                return
            hook = _hook_of(record, due)
            body = msgspec.json.encode(
                {"type": f"task.{due.event}", "timestamp": _moment(due.at), "data": task_item(record, view)}
            )
            key = key_of(hook.secret) if hook is not None and hook.secret else self._key
            delivery = Delivery(record.id, due, key, body, self._service.clock.steady())
            delivery.is_over = hook is None  # an edit has taken the address out
            self._pending[due.id] = delivery

    def _start(self, http: aiohttp.ClientSession) -> None:
        now = self._service.clock.steady()
        waiting = [each for each in self._pending.values() if not each.is_busy and each.at <= now]
        for delivery in sorted(waiting, key=lambda each: each.at)[: MAX_AT_ONCE - len(self._running)]:
            delivery.is_busy = True
            running = asyncio.create_task(self._deliver(http, delivery))
            self._running.add(running)
            running.add_done_callback(self._note_end)

    def _note_end(self, running: "asyncio.Task[None]") -> None:
        self._running.discard(running)
        self._wake.set()
        if not running.cancelled() and (error := running.exception()) is not None:
            self._log.error("a webhook broke", exc_info=error)

    async def _rest(self) -> None:
        """Wait for news, a try, or the next look."""
        now = self._service.clock.steady()
        times = [each.at for each in self._pending.values() if not each.is_busy]
        seconds = min([LOOK_S, *(max(0.05, at - now) for at in times)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _deliver(self, http: aiohttp.ClientSession, delivery: Delivery) -> None:
        try:
            if not delivery.is_over and delivery.tries:
                delivery.is_over = not await self._is_wanted(delivery)
            if not delivery.is_over:
                await self._try(http, delivery)
            if delivery.is_over:
                await self._change(delivery.task, over=(delivery.due.id,))
                self._pending.pop(delivery.due.id, None)
        except DisioError as error:  # what is over stays so, and what is not is tried again
            self._log.debug("a webhook waits for the database", task=delivery.task, problem=str(error))
            delivery.at = self._service.clock.steady() + WAITS[0]
        finally:
            delivery.is_busy = False

    async def _is_wanted(self, delivery: Delivery) -> bool:
        """Tell whether the task is still there and names the address."""
        record = await self._record(delivery.task)
        return record is not None and _hook_of(record, delivery.due) is not None

    async def _try(self, http: aiohttp.ClientSession, delivery: Delivery) -> None:
        """Send once, and see what that means."""
        delivery.tries += 1
        status = await self._send(http, delivery)
        if 200 <= status < 300 or status == GONE:
            delivery.is_over = True
        elif delivery.tries > len(WAITS):
            self._log.warning("a webhook is given up", url=delivery.due.url, task=delivery.task, why=delivery.trouble)
            delivery.is_over = True
        else:
            wait = WAITS[delivery.tries - 1] * random.uniform(0.9, 1.1)
            delivery.at = self._service.clock.steady() + wait

    async def _send(self, http: aiohttp.ClientSession, delivery: Delivery) -> int:
        """Return the status of the answer, or 0."""
        headers = headers_of(delivery.key, delivery.due.id, self._service.clock.wall(), delivery.body)
        headers |= {"Content-Type": "application/json", "User-Agent": f"disio/{__version__}"}
        try:
            async with http.post(
                delivery.due.url, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                delivery.trouble = f"it answered {answer.status}"
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            delivery.trouble = str(inner)[:200] or "no answer in time"
            return 0

    async def _record(self, task: str) -> TaskRecord | None:
        view = self._service.coordinator.task_view(task, self._service.clock.steady())
        return view.record if view is not None else await self._service.store.task(task)

    async def _change(self, task: str, happened: str = "", over: tuple[str, ...] = ()) -> None:
        at = self._service.clock.wall()
        with contextlib.suppress(TaskNotFound):
            await self._submit(
                task, lambda stored: HooksChanged(task=task, happened=happened, over=over, at=at, stored=stored)
            )


def _hook_of(record: TaskRecord, due: Due) -> Webhook | None:
    """Return the webhook that is to be told; an edit may have moved it, or taken it out."""
    same = [hook for hook in record.webhooks if hook.url == due.url]
    there = record.webhooks[due.place] if due.place < len(record.webhooks) else None
    return there if there in same else next(iter(same), None)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
