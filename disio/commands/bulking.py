"""``disio task VERB --where …``: one verb on all tasks that fit, done by the manager.

Rule: what fits is counted and told before anything is done, and nothing is done unless somebody said yes to that.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, get_args

from disio import shapes
from disio.commands.asking import FAILURE, ask, confirmed
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.selecting import Row
from disio.showing import printable
from disio.times import moment, span_s
from disio_shared.errors import ConfigError
from disio_shared.taskdoc import TaskStateName

STATES = get_args(TaskStateName)
LOOK_S = 0.2
MOST_NUMBERS = 500
"""The manager's limit."""
FLAG = "--where"
FORMS = "write state=running,paused, q=TEXT, number=3-8,11, failures=yes, all=yes, or created-before=30d and the like"


def bulk(where: Where, verb: str, conditions: Sequence[str], is_dry: bool, is_sure: bool) -> int:
    """Do a verb to all tasks that fit; return the exit status.

    Raises:
        ConfigError: A condition says nothing, or nobody can be asked.
        DisioError: The manager is away or refuses.
    """
    wanted = filter_of(conditions)
    told = ask(where, lambda manager: manager.bulk(verb, wanted, is_dry=True))
    count = told["matched"]
    if is_dry:
        tell(f"would {verb} {_many(count)}")
        return _shown(where, told)
    if not count:
        tell(f"there is no task to {verb}")
        return _shown(where, told)
    loss = " with their results" if verb == "delete" else ""
    if not confirmed(f"{verb} {_many(count)}{loss}", is_sure):
        tell("nothing was done")
        return FAILURE
    return _shown(where, ask(where, lambda manager: _followed(manager, verb, wanted)))


async def _followed(manager: ManagerClient, verb: str, wanted: Row) -> Row:
    """Begin, and look until it is over."""
    job = await manager.bulk(verb, wanted)
    seen = 0
    while job["state"] == "running":
        at = job["done"] + job["refused"]
        if at // 100 > seen // 100:
            tell(f"{at} of {_many(job['matched'])}" + (f"; waiting: {job['trouble']}" if job["trouble"] else ""))
        seen = at
        await asyncio.sleep(LOOK_S)
        job = await manager.bulk_job(job["id"])
    return job


def _shown(where: Where, job: Row) -> int:
    """Tell what became of it; return the exit status."""
    if where.as_json:
        emit(shapes.BulkJob, job)
    if job["state"] == "dry-run":
        return 0
    tell(f"{job['verb']}: {job['done']} of {_many(job['matched'])} done, {job['refused']} refused")
    for refusal in job["refusals"]:
        tell(f"  {refusal['task']}: {printable(refusal['reason'])}")
    if job["refused"] > len(job["refusals"]):
        tell(f"  {len(job['refusals'])} of {job['refused']} reasons are shown")
    if job["state"] == "given-up":
        tell(f"given up: {printable(job['trouble'])}")
    return 0 if job["state"] == "done" and not job["refused"] else FAILURE


def filter_of(conditions: Sequence[str]) -> Row:
    """Return the filter that conditions such as ``state=running`` mean together, as the manager takes it.

    Raises:
        ConfigError: One of them means nothing, or comes twice.
    """
    found: Row = {}
    for condition in conditions:
        name, mark, text = condition.partition("=")
        read = _CONDITIONS.get(name)
        if read is None or not mark or not text:
            raise ConfigError(FLAG, f"{printable(condition)!r} says nothing", FORMS)
        key, value = read(name, text)
        if key in found:
            raise ConfigError(FLAG, f"{name} comes twice", "give it once: state=running,paused means either")
        found[key] = value
    return found


def _states(name: str, text: str) -> tuple[str, Any]:
    states = text.split(",")
    wrong = [state for state in states if state not in STATES]
    if wrong:
        raise ConfigError(FLAG, f"{printable(wrong[0])!r} is no state", f"one of {', '.join(STATES)}")
    return "state", states


def _numbers(name: str, text: str) -> tuple[str, Any]:
    numbers: dict[int, None] = {}
    for part in text.split(","):
        first, mark, last = part.partition("-")
        bounds = (first, last if mark else first)
        if not all(each.isascii() and each.isdecimal() and len(each) <= 15 for each in bounds):
            raise ConfigError(FLAG, f"{printable(part)!r} is no number and no range", "write number=3-8,11")
        start, stop = int(bounds[0]), int(bounds[1])
        if start < 1 or stop < start or stop - start >= MOST_NUMBERS:
            raise ConfigError(FLAG, f"{part} is no range of {MOST_NUMBERS} numbers at most", "write number=3-8,11")
        numbers.update(dict.fromkeys(range(start, stop + 1)))
    if len(numbers) > MOST_NUMBERS:
        raise ConfigError(FLAG, f"means {len(numbers)} numbers", f"name {MOST_NUMBERS} at most")
    return "numbers", list(numbers)


def _text(name: str, text: str) -> tuple[str, Any]:
    return "q", text


def _yes(name: str, text: str) -> tuple[str, Any]:
    if text != "yes":
        raise ConfigError(FLAG, f"{name}={printable(text)} says nothing", f"write {name}=yes, or leave it out")
    return name, True


def _time(name: str, text: str) -> tuple[str, Any]:
    """Return a moment; a time such as ``30d`` is so long ago."""
    span = span_s(text)
    at = time.time() - span if span is not None else moment(FLAG, text)
    if at is None:
        raise ConfigError(FLAG, f"{name}={text} says nothing", "leave it out")
    return name.replace("-", "_"), round(max(at, 0.0), 3)


def _many(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


_CONDITIONS: dict[str, Callable[[str, str], tuple[str, Any]]] = {
    "state": _states,
    "q": _text,
    "number": _numbers,
    "failures": _yes,
    "all": _yes,
    "created-from": _time,
    "created-before": _time,
    "ended-from": _time,
    "ended-before": _time,
}
