"""Where the results of a task come from.

Rule: with an answer and a manager the same results can be made again; what is not known is null, never guessed.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import web

from disio_manager.api.context import Context, context_of
from disio_manager.api.documents import stored_of
from disio_manager.api.provenance_shapes import (
    OriginDistributor,
    OriginShown,
    Provenance,
    Software,
    Traced,
    Votes,
)
from disio_manager.api.shapes import task_item
from disio_manager.api.tasks import task_record
from disio_manager.client_lists import ask_all
from disio_manager.core.records import DistributorRecord
from disio_manager.questions import TooManyQuestions
from disio_manager.stores.origins import OriginRow
from disio_manager.tracing import Origins
from disio_shared import __version__
from disio_shared.canonical import canonical
from disio_shared.messages import PROTOCOL_VERSION

READS_S = 5.0
"""Seconds that results are read for."""
MAX_CLIENTS = 1_000
"""Clients that are shown, those with most results first."""


async def get_provenance(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/provenance``."""
    context, task = context_of(request), request.match_info["id"]
    found = await context.tracing.read(await task_record(context, task), READS_S)
    agreeing, differing = await context.service.store.origins.votes(task)
    fleet = {each.id: each for each in context.fleet.rows()}
    rows = sorted(found.by.values(), key=lambda row: (-row.results, row.client, row.distributor))
    software = await _software(context, rows[:MAX_CLIENTS], fleet)
    record = await task_record(context, task)
    distributors = _distributors(rows, fleet)

    def written() -> bytes:
        document = canonical(stored_of(record))
        shown = Provenance(
            at=context.service.clock.wall(),
            cluster=context.cluster,
            task=task_item(record),
            document=msgspec.Raw(document),
            document_sha256=hashlib.sha256(document).hexdigest(),
            workunit_sha256=record.workunit,
            done=record.done,
            counted=found.counted,
            results=_traced(found),
            software=Software(
                manager=__version__,
                protocol=PROTOCOL_VERSION,
                distributors=sorted({each.software for each in distributors if each.software}),
                clients=sorted(set(software.values())),
            ),
            clients=[_shown(row, software.get(row.client)) for row in rows[:MAX_CLIENTS]],
            clients_total=len({row.client for row in rows}),
            distributors=distributors,
            votes=Votes(agreeing=agreeing, differing=differing),
        )
        return msgspec.json.encode(shown)

    return web.Response(body=await asyncio.to_thread(written), content_type="application/json")


async def _software(
    context: Context, rows: Iterable[OriginRow], fleet: Mapping[str, DistributorRecord]
) -> dict[str, str]:
    """Return what those clients run that are connected now."""
    wanted = {row.client for row in rows}
    online = sorted({row.distributor for row in rows if row.distributor in fleet})
    asked = [each for each in online if fleet[each].state != "offline"]
    if not wanted or not asked:
        return {}
    try:
        told = await ask_all(context.questions, asked, "", MAX_CLIENTS)
    except TooManyQuestions:
        return {}
    found: dict[str, str] = {}
    for each in told:
        if each.rows is not None:
            found.update(zip(each.rows.ids, each.rows.software, strict=True))
    return {client: text for client, text in found.items() if client in wanted and text}


def _distributors(rows: Iterable[OriginRow], fleet: Mapping[str, DistributorRecord]) -> list[OriginDistributor]:
    results: dict[str, int] = {}
    for row in rows:
        results[row.distributor] = results.get(row.distributor, 0) + row.results
    return [
        OriginDistributor(
            id=each,
            name=fleet[each].name if each in fleet else None,
            software=fleet[each].software if each in fleet else None,
            results=count,
        )
        for each, count in sorted(results.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _traced(found: Origins) -> Traced:
    return Traced(
        first_at=found.first_at, last_at=found.last_at, seconds=round(found.seconds, 3), of_others=found.beyond
    )


def _shown(row: OriginRow, software: str | None) -> OriginShown:
    return OriginShown(
        client=row.client,
        distributor=row.distributor,
        results=row.results,
        seconds=round(row.seconds, 3),
        first_at=row.first_at,
        last_at=row.last_at,
        software=software,
    )
