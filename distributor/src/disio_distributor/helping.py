"""What ``/help`` says of a task: how far it is, and which other public tasks could be helped.

Rule: a distributor knows only what it holds, so the managers are asked, as anybody may ask them; at most so often,
however many visitors look, and what they say is passed on only as far as it is numbers and a name.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import aiohttp
import msgspec
from aiohttp import web

from disio_distributor.limits import TokenBucket
from disio_shared.clock import Clock

PATH = "/help/tasks.json"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json"}
KEPT_S = 5.0
MAX_KEPT = 200
ASK_S = 3.0
MAX_BYTES = 256 << 10
MAX_MANAGERS = 4
MAX_OTHERS = 20
MAX_NAME = 200
ASKED_PER_S, ASKED_BURST = 10.0, 50.0
"""Questions to managers that visitors can cause; over that, what is known is told."""
TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Told = TypeVar("Told")


class TaskTold(msgspec.Struct, frozen=True, kw_only=True):
    """A public task, as far as a volunteer is told."""

    id: str
    name: str
    state: str
    total: int
    done: int
    eta_s: float | None = None


class _Status(msgspec.Struct, frozen=True):
    tasks: list[TaskTold]


class HelpTold(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    task: TaskTold | None = None
    """The task that was asked for; None = there is no public one of that id, as far as is known."""
    others: list[TaskTold] = []
    """Other public tasks that are computed, of managers whose operators show them."""
    is_sure: bool = True
    """False: no manager could be asked just now."""


class _Kept(NamedTuple):
    told: HelpTold
    at: float


class Helping:
    """The route.

    Args:
        managers: Returns base URLs of managers, those that are linked first.
        clock: For limits.
    """

    def __init__(self, managers: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._managers, self._clock = managers, clock
        self._bucket = TokenBucket(ASKED_PER_S, ASKED_BURST, clock.steady())
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking = asyncio.Lock()
        self._http: aiohttp.ClientSession | None = None

    def attach(self, app: web.Application) -> None:
        """Add the route; comes before the pages, which take all paths."""
        app.router.add_get(PATH, self._answer)
        app.on_cleanup.append(self._close)

    async def _close(self, _app: web.Application) -> None:
        if self._http is not None:
            await self._http.close()

    async def _answer(self, request: web.Request) -> web.Response:
        task = request.query.get("task", "")
        told = await self._told(task if TASK_ID.fullmatch(task) else "")
        return web.Response(body=msgspec.json.encode(told), headers=HEADERS)

    async def _told(self, task: str) -> HelpTold:
        async with self._asking:  # many who come at once are one question
            now, kept = self._clock.steady(), self._kept.get(task)
            if kept is not None and now - kept.at < KEPT_S:
                return kept.told
            if not self._bucket.take(now):
                return kept.told if kept is not None else HelpTold(is_sure=False)
            told = await self._ask(task)
            self._kept[task] = _Kept(told, now)
            self._kept.move_to_end(task)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            return told

    async def _ask(self, task: str) -> HelpTold:
        """Ask the managers, all at once."""
        urls = list(self._managers())[:MAX_MANAGERS]
        one = [self._get(f"{url}/tasks/{task}/progress.json", TaskTold) for url in urls if task]
        all_ = [self._get(f"{url}/status.json", _Status) for url in urls]
        found, lists = await asyncio.gather(asyncio.gather(*one), asyncio.gather(*all_))
        answers = [*found, *lists]
        is_sure = any(answer is not None for answer in answers)
        own = next((each for each in found if isinstance(each, TaskTold)), None)
        shown = {each.id: each for status in lists if isinstance(status, _Status) for each in status.tasks}
        others = [_short(each) for name, each in shown.items() if name != task][:MAX_OTHERS]
        return HelpTold(task=_short(own) if own is not None else None, others=others, is_sure=is_sure)

    async def _get(self, url: str, kind: type[Told]) -> Told | bool | None:
        """Return what a manager says; False when it says that there is none, None when it says nothing of use."""
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S))
        try:
            async with self._http.get(url, allow_redirects=False) as answer:
                if answer.status == 404:
                    return False
                body = await answer.content.read(MAX_BYTES + 1)
                while len(body) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES)):
                    body += more
            return msgspec.json.decode(body, type=kind) if answer.status == 200 and len(body) <= MAX_BYTES else None
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def _short(told: TaskTold) -> TaskTold:
    return msgspec.structs.replace(told, name=told.name[:MAX_NAME])
