"""What the SDK hands out: tasks, results and failures as typed values.

Rule: plain data, made from the manager's JSON; raw bytes are ``bytes`` here.
"""

import base64
import binascii
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from disio_shared.taskdoc import OPEN_STATES
from disio_shared.values import RAW_KEY


class TaskInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it was when the manager was asked last. Times are seconds since 1970-01-01 UTC."""

    id: str
    number: int
    name: str
    tags: list[str]
    description: str
    state: str
    """``queued running paused done failed cancelled expired``."""
    total: int
    growing: bool
    """More payloads may come."""
    done: int
    failed: int
    leased: int
    """Payloads that distributors hold."""
    lost: int
    """Times a client went away while it ran one."""
    created_at: float
    finished_at: float | None
    rate: float
    """Payloads closed a second, lately."""
    eta_s: float | None
    """Seconds to go at that rate."""
    version: int
    workunit: dict[str, Any]
    policy: dict[str, Any]

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended, in whatever way."""
        return self.state not in OPEN_STATES

    @property
    def open(self) -> int:
        """Payloads that are neither done nor failed."""
        return self.total - self.done - self.failed


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical result."""

    index: int
    """Of the payload."""
    payload: Any
    value: Any
    """What the work unit returned."""
    client: str
    """Who computed it."""
    seconds: float
    """That took."""
    name: str = ""
    """Of the file that is the payload."""
    task: str = ""
    """Id of its task."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One payload that failed too often."""

    index: int
    payload: Any
    errors: list[str]
    """What each try said, the oldest first."""
    name: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload spec makes."""

    count: int
    first: list[Any]
    last: list[Any]


class _Row(msgspec.Struct):
    i: int
    payload: Any
    result: Any = None
    client: str = ""
    seconds: float = 0.0
    name: str = ""
    errors: list[str] | UnsetType = UNSET
    """Of a payload that failed, which has no result."""


_rows = msgspec.json.Decoder(_Row)


def result_of(line: bytes, task: str) -> Result:
    """Return the result that a line of JSON from the manager is."""
    return _result(_rows.decode(line), task)


def answer_of(line: bytes, task: str) -> Result | Failure:
    """Return the result or the failure that a line of JSON from the manager is."""
    row = _rows.decode(line)
    if row.errors is UNSET:
        return _result(row, task)
    return Failure(index=row.i, payload=plain(row.payload), errors=row.errors, name=row.name)


def _result(row: _Row, task: str) -> Result:
    return Result(
        index=row.i,
        payload=plain(row.payload),
        value=plain(row.result),
        client=row.client,
        seconds=row.seconds,
        name=row.name,
        task=task,
    )


def failure_of(item: dict[str, Any]) -> Failure:
    """Return the failure that an item from the manager is."""
    return Failure(index=item["i"], payload=plain(item["payload"]), errors=item["errors"], name=item.get("name", ""))


def preview_of(answer: dict[str, Any]) -> Preview:
    """Return the preview that an answer of the manager is."""
    first, last = ([plain(each) for each in answer[key]] for key in ("first", "last"))
    return Preview(count=answer["count"], first=first, last=last)


def info_of(answer: dict[str, Any]) -> TaskInfo:
    """Return the task that an answer of the manager is."""
    return msgspec.convert(answer, TaskInfo)


def plain(value: Any) -> Any:
    """Return a value as a work unit has it: the object that stands for raw bytes is ``bytes``."""
    if isinstance(value, dict) and value.keys() == {RAW_KEY} and isinstance(value[RAW_KEY], str):
        try:
            return base64.b64decode(value[RAW_KEY], validate=True)
        except binascii.Error:
            return value
    return value


def wrapped(value: Any) -> Any:
    """Return a value as JSON has it: ``bytes`` are the object that stands for them."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {RAW_KEY: base64.b64encode(value).decode()}
    return value
