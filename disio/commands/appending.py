"""What ``disio payloads append`` and ``close`` do.

Rule: payloads are given a part at a time, each one once: a part whose answer was lost is given again at its place.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from disio import shapes
from disio.commands.asking import ask
from disio.commands.submit_inputs import payloads_of
from disio.commands.submit_options import Inputs
from disio.locating import Where
from disio.patience import Patience
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.rest.problems import NotNext
from disio.selecting import Row, one_selected, title
from disio.submitting.records import Records, record_values
from disio_shared import payloads
from disio_shared.payload_parsing import parse_spec
from disio_shared.values import as_json

PATIENCE_S = 60.0
"""Seconds without a manager after which it gives up."""
PART, PART_BYTES = 10_000, 4 << 20
"""Payloads, and bytes of them, that are given at a time, unless it is a single one."""
GIVEN = "closed"


def append_payloads(where: Where, word: str, inputs: Inputs, is_last: bool) -> int:
    """Give payloads to a task; return the exit status.

    Raises:
        ConfigError: The options make no sense.
        DisioError: The task takes none, or there is no manager.
    """
    with payloads_of(inputs, list(inputs.words)) as records:

        async def given(manager: ManagerClient) -> tuple[Row, int]:
            row = await one_selected(manager, word)
            appended, total = await _give(manager, row, records)
            if is_last:
                await _patience().ask(lambda: manager.verb(row["id"], "close"))
            return {**row, "total": total}, appended

        row, appended = ask(where, given)
    tell(f"{title(row)} has {appended} payloads more: {row['total']}" + (", and no more come" if is_last else ""))
    if where.as_json:
        emit(shapes.Appended, {"id": row["id"], "appended": appended, "total": row["total"]})
    elif not is_last:
        tell(f"Next: disio payloads close {row['number']}, when there are no more")
    return 0


def close_task(where: Where, word: str) -> int:
    """Say that no more payloads come; return the exit status.

    Raises:
        DisioError: There is no such task, or it cannot be closed.
    """

    async def closed(manager: ManagerClient) -> Row:
        row = await one_selected(manager, word)
        return await _patience().ask(lambda: manager.verb(row["id"], "close"))

    row = ask(where, closed)
    tell(f"{title(row)} gets no more payloads: it has {row['total']}, {row['done']} of them done")
    if where.as_json:
        emit(shapes.Task, row)
    return 0


def _patience() -> Patience:
    return Patience(PATIENCE_S, tell)


async def _give(manager: ManagerClient, row: Row, records: Records) -> tuple[int, int]:
    """Give all of them, behind whatever others give meanwhile; return how many, and how many the task has then."""
    patience, start, appended = _patience(), int(row["total"]), 0
    for part in _parts(_values(records)):
        while True:
            at = start
            try:
                start = await patience.ask(lambda: manager.append_payloads(row["id"], at, part))  # noqa: B023 - awaited
                break
            except NotNext as refused:
                if GIVEN in refused.detail or refused.total == at:
                    raise
                start = refused.total
        appended += len(part)
    return appended, start


def _values(records: Records) -> Iterator[Any]:
    """Yield payloads as JSON."""
    if records.file is not None:
        records.file.seek(0)
        yield from record_values(records.spec, records.file)
    elif "list" in records.spec:
        yield from records.spec["list"]
    else:
        spec = parse_spec(records.spec)
        yield from (as_json(payloads.payload_at(spec, index)) for index in range(payloads.count(spec)))


def _parts(values: Iterator[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    size = 0
    for value in values:
        text = msgspec.Raw(msgspec.json.encode(value))
        if part and (len(part) == PART or size + len(text) > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text) + 1
    if part:
        yield part
