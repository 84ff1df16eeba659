"""The web page of a task whose owner made it public, and its numbers.

Rule: a task that is not public is not there for who has no token: the answer is the same as for one that never was. A
page is made at most once in a while, however many look at it.
"""

import asyncio
from collections import OrderedDict
from typing import Annotated, NamedTuple

from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import PublicProgress, TaskItem, json_answer
from disio_manager.api.context import Context, context_of
from disio_manager.api.inputs import Inputs, inputs_of
from disio_manager.api.public_html import POLICY, REFRESH_S, Row, Shown, page, renewing
from disio_manager.api.queries import Query
from disio_manager.api.shapes import task_item
from disio_manager.api.tasks import task_record
from disio_manager.blob_problem import BadBlob
from disio_manager.core.records import TaskRecord
from disio_manager.stores.base import ResultRow
from disio_manager.stores.journal import JournalStore, Mark, Position
from disio_shared.addresses import is_http_url
from disio_shared.errors import TaskNotFound
from disio_shared.values import RAW_MARK

KEPT_S = 2.0
"""Seconds for which a page is good."""
MAX_KEPT = 50
FIRST, LAST = 20, 3
"""Payloads that are shown."""
RESULTS = 20
MAX_DISTRIBUTORS = 5
STEPS_BACK = (1, 2, 5, 20)
"""Arrivals that the latest results are looked for in."""
PART, MAX_PARTS = 1_000, 5
"""Rows that are read at a time, and how often: of a huge arrival the page shows what came first."""


class Kept(NamedTuple):
    """A page, and when it was made."""

    html: str
    at: float


class PublicPages:
    """Pages that were made lately."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._making = asyncio.Lock()

    async def get(self, context: Context, record: TaskRecord) -> str:
        """Return the page of a task.

        Raises:
            StoreUnavailable: The manager waits for its database.
        """
        async with self._making:
            now, kept = context.service.clock.steady(), self._kept.get(record.id)
            if kept is None or now - kept.at >= KEPT_S:
                kept = Kept(await asyncio.to_thread(page, await _shown(context, record)), now)
                self._kept[record.id] = kept
            self._kept.move_to_end(record.id)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            return kept.html


PAGES: web.AppKey[PublicPages] = web.AppKey("public pages", PublicPages)


class PageQuery(Query, kw_only=True, frozen=True):
    """How the page is to be."""

    renew: Annotated[bool, Meta(description=f"It loads itself again every {REFRESH_S} s")] = False


async def get_public_page(request: web.Request, query: PageQuery) -> web.Response:
    """``GET /tasks/{id}``."""
    context = context_of(request)
    html = await request.app[PAGES].get(context, await _public_record(request))
    html = renewing(html) if query.renew else html
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})


async def get_public_progress(request: web.Request) -> web.Response:
    """``GET /tasks/{id}/progress.json``."""
    context = context_of(request)
    return json_answer(progress_of(_item(context, await _public_record(request))))


def progress_of(item: TaskItem) -> PublicProgress:
    """Return what of a public task is told in numbers."""
    return PublicProgress(
        id=item.id,
        name=item.name,
        state=item.state,
        total=item.total,
        done=item.done,
        failed=item.failed,
        rate=item.rate,
        eta_s=item.eta_s,
        finished_at=item.finished_at,
    )


async def _public_record(request: web.Request) -> TaskRecord:
    """Return a public task.

    Raises:
        TaskNotFound: There is none of that id.
    """
    task = request.match_info["id"]
    record = await task_record(context_of(request), task)
    if not record.public:
        raise TaskNotFound(task)
    return record


def _item(context: Context, record: TaskRecord) -> TaskItem:
    return task_item(record, context.service.coordinator.task_view(record.id, context.service.clock.steady()))


async def _shown(context: Context, record: TaskRecord) -> Shown:
    found = await context.service.store.workunit(record.workunit)
    code = None if found is None or record.language == "wasm" else found[1].decode(errors="replace")
    first, last = await _payloads(context, record)
    return Shown(
        task=_item(context, record),
        code=code,
        first=first,
        last=last,
        results=[Row(row.index, _told(row.value)) for row in await _latest(context, record.id)],
        distributors=distributors_of(context),
        volunteers=sum(row.clients for row in context.fleet.rows() if row.state != "offline"),
        at=context.service.clock.wall(),
    )


async def _payloads(context: Context, record: TaskRecord) -> tuple[list[Row], list[Row]]:
    try:
        inputs = await inputs_of(context.service.sources, record)
        first = range(min(record.total, FIRST))
        last = range(max(FIRST, record.total - LAST), record.total)
        return await _rows(inputs, first), await _rows(inputs, last)
    except BadBlob:
        return [], []  # it is lost; the rest of the page is as good without


async def _rows(inputs: Inputs, indexes: range) -> list[Row]:
    """Return some payloads, less those that are too large to be shown beside the others."""
    some = indexes[: inputs.fitting(indexes)] if indexes else indexes
    return [Row(at, bytes(text).decode()) for at, text in zip(some, await inputs.shown(some), strict=True)]


async def _latest(context: Context, task: str) -> list[ResultRow]:
    """Return the newest results, or the first where the database does not keep the order in which they came."""
    journal = getattr(context.service.store, "journal", None)
    rows: list[ResultRow] = []
    if journal is None:
        async for part in context.service.store.results(task, 0, RESULTS):
            rows += part
        return rows
    head: Position = await journal.head(task)
    for back in STEPS_BACK:
        rows = await _newest(journal, task, head, back)
        if len(rows) == RESULTS:
            break
    return rows[::-1]


async def _newest(journal: JournalStore, task: str, head: Position, back: int) -> list[ResultRow]:
    """Return the last results of the last parts of a journal."""
    position = Position({writer: Mark(max(0, mark.seq - back), 0) for writer, mark in head.marks.items()})
    rows: list[ResultRow] = []
    for _ in range(MAX_PARTS):
        part = await journal.arrivals(task, position, PART)
        rows, position = [*rows, *part.results][-RESULTS:], part.position
        if part.is_end:
            break
    return rows


def distributors_of(context: Context) -> list[str]:
    """Return where browsers can help."""
    urls = [row.url for row in context.fleet.rows() if row.state == "online" and is_http_url(row.url)]
    return urls[:MAX_DISTRIBUTORS]


def _told(value: bytes) -> str:
    return f"{len(value) - 1:,} bytes" if value[:1] == RAW_MARK else value.decode(errors="replace")
