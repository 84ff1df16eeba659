"""An independent checker: it reads what the outside saw of a run and proves that nothing was lost or counted twice.

Rule: it shares no code with the product and believes none of it; standard library only. Evidence is a folder:

* ``facts.ndjson``: what `outside.py` noted: ``submitted``, ``assigned``, ``stored``, ``cancelled``, ``sampled``;
* ``ID.task.json``, ``ID.results.ndjson``, ``ID.failures.ndjson``: what REST said of each task afterwards.

It proves of each task that has ended: every index has exactly one result or is reported failed with its reasons,
unless enough results are what its document stops at, and no counter disagrees (invariant 1); every acknowledged result
is in the export with the right value (invariant 2); at no moment that was looked at had an index got lost again
(invariant 3, as far as the outside can see it); and of each cancelled task that nothing was handed out after the cancel
was acknowledged and known to whoever hands out (invariant 6), except what was on its way.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

IsRight = Callable[[Any, Any], bool]
"""Tells whether a result is right for a payload."""

IN_FLIGHT_S = 1.0
"""A hand-out may arrive so long after a cancel is known to whoever hands out: it had been sent before."""
SHOWN = 3
"""Examples of one kind of contradiction that are shown."""
COMPLETE = ("done", "failed")
CLOSED = (*COMPLETE, "cancelled", "expired")


@dataclass(slots=True)
class Story:
    """All that is known of one task."""

    task: str
    document: dict[str, Any] = field(default_factory=dict)
    total: int = -1
    final: dict[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    assigned: list[dict[str, Any]] = field(default_factory=list)
    sampled: list[dict[str, Any]] = field(default_factory=list)
    cancelled_at: float | None = None

    @property
    def is_complete(self) -> bool:
        """Tell whether the task says that all its payloads are decided."""
        return self.final.get("state") in COMPLETE and not self.has_stopped

    @property
    def has_stopped(self) -> bool:
        """Tell whether the task says that it found what it searched for."""
        return self.final.get("ended_by") == "stop_when"


def check(folder: Path, is_right: IsRight, in_flight_s: float = IN_FLIGHT_S) -> list[str]:
    """Return every contradiction in the evidence, in sentences; none when the run was right."""
    found = []
    for story in stories(folder):
        for rule in (_exported_once, _decided, _stopped, _counted, _right, _acknowledged, _never_back):
            found += [f"task {story.task}: {text}" for text in rule(story, is_right)]
        found += [f"task {story.task}: {text}" for text in _handed_out_after_cancel(story, in_flight_s)]
    return found


def stories(folder: Path) -> list[Story]:
    """Read the evidence, by task."""
    told: dict[str, Story] = {}
    for fact in _lines(folder / "facts.ndjson"):
        story = told.setdefault(fact["task"], Story(fact["task"]))
        if fact["event"] == "submitted":
            story.document, story.total = fact["document"], fact["total"]
        elif fact["event"] == "cancelled":
            story.cancelled_at = fact["at"]
        else:
            {"stored": story.stored, "assigned": story.assigned, "sampled": story.sampled}[fact["event"]].append(fact)
    for task, story in told.items():
        final = folder / f"{task}.task.json"
        if final.exists():
            story.final = json.loads(final.read_text(encoding="utf-8"))
            story.results = list(_lines(folder / f"{task}.results.ndjson"))
            story.failures = list(_lines(folder / f"{task}.failures.ndjson"))
    return list(told.values())


# Invariant 1


def _exported_once(story: Story, _is_right: IsRight) -> Iterator[str]:
    """No index is exported twice, out of order, beside a failure, or beyond the task."""
    seen = [row["i"] for row in story.results]
    failed = [row["i"] for row in story.failures]
    yield from _some("indexes are exported twice", _repeated(seen))
    yield from _some("indexes are reported failed twice", _repeated(failed))
    yield from _some("indexes have a result and a failure", sorted(set(seen) & set(failed)))
    yield from _some("exported indexes are not the task's", [at for at in (*seen, *failed) if not _is_of(story, at)])
    if seen != sorted(seen):
        at = next(place for place in range(1, len(seen)) if seen[place] < seen[place - 1])
        yield f"the export is not in index order: {seen[at - 1]} comes before {seen[at]}"


def _decided(story: Story, _is_right: IsRight) -> Iterator[str]:
    """Every index of a task that has ended has a result, or failed for a reason."""
    if not story.is_complete:
        return
    known = {row["i"] for row in story.results} | {row["i"] for row in story.failures}
    missing = [at for at in range(story.total) if at not in known]
    yield from _some(f"it is {story.final['state']}, yet indexes have neither result nor failure", missing)
    yield from _some("indexes failed without a reason", [row["i"] for row in story.failures if not row["errors"]])


def _stopped(story: Story, _is_right: IsRight) -> Iterator[str]:
    """A task stops when enough results are what its document searches for, and never goes on after that."""
    stop = story.document.get("policy", {}).get("stop_when")
    found = sum(all(_holds(row["result"], one) for one in stop["result"]) for row in story.results) if stop else 0
    wanted = stop.get("count", 1) if stop else 0
    if story.has_stopped and (story.final["state"] != "done" or not 0 < wanted <= found):
        yield f"it is {story.final['state']}, ended by stop_when, and {found} results of {wanted} are what it wants"
    if 0 < wanted <= found and story.final.get("state") == "done" and not story.has_stopped:
        yield f"it is done of itself, though {found} results are what it stops at"
    if stop and story.final.get("matched", 0) != found:
        yield f"it says matched = {story.final.get('matched')}, and {found} are there"


def _holds(result: Any, condition: dict[str, Any]) -> bool:
    """Judge a condition of the kinds that chaos tests use: a path of names, and bounds for a number."""
    for part in filter(None, condition.get("path", "").split(".")):
        result = result.get(part) if isinstance(result, dict) else None
    if not isinstance(result, int | float):
        return False
    least, most = condition.get("at_least", result), condition.get("at_most", result)
    return bool(least <= result <= most and condition.get("equals", result) == result)


def _counted(story: Story, _is_right: IsRight) -> Iterator[str]:
    """What the task says of itself is what its export says."""
    counted = payloads_of(story.document)
    if counted is not None and len(counted) != story.total:
        yield f"the document has {len(counted)} payloads, the manager counted {story.total}"
    if story.final.get("state") not in COMPLETE:
        return
    for name, said, there in (
        ("done", story.final["done"], len(story.results)),
        ("failed", story.final["failed"], len(story.failures)),
        ("total", story.final["total"], story.total),
    ):
        if said != there:
            yield f"it says {name} = {said}, and {there} are there"


# Invariant 2


def _right(story: Story, is_right: IsRight) -> Iterator[str]:
    """Exported payloads are the submitted ones, and exported results are right."""
    payloads = payloads_of(story.document)
    for row in story.results:
        if payloads is not None and _is_of(story, row["i"]) and row["payload"] != payloads[row["i"]]:
            yield f"index {row['i']} is exported with payload {row['payload']!r}, not {payloads[row['i']]!r}"
            return
        if not is_right(row["payload"], row["result"]):
            yield f"index {row['i']} has the result {row['result']!r}, which is wrong for {row['payload']!r}"
            return


def _acknowledged(story: Story, _is_right: IsRight) -> Iterator[str]:
    """Every acknowledged result of a task that has ended is exported, with the value that was acknowledged.

    When not all of a message counted, others had answered for some of its indexes: those need only be decided.
    """
    if not story.is_complete:
        return
    values = {row["i"]: row["result"] for row in story.results}
    failed = {row["i"] for row in story.failures}
    lost: list[int] = []
    for fact in story.stored:
        all_counted = fact["accepted"] == len(fact["indexes"])
        for index, text in zip(fact["indexes"], fact["values"], strict=True):
            if index not in values and (all_counted or index not in failed):
                lost.append(index)
            elif all_counted and values[index] != json.loads(text):
                yield f"index {index}: {fact['volunteer']} was acknowledged {text}, exported is {values[index]!r}"
                return
    if lost:
        who = next(fact for fact in story.stored if lost[0] in fact["indexes"])
        yield from _some("acknowledged results are not in the export", sorted(set(lost)))
        yield f"index {lost[0]} was acknowledged to {who['volunteer']} at {who['at']:.3f}"


# Invariant 3


def _never_back(story: Story, _is_right: IsRight) -> Iterator[str]:
    """Whoever looked at the task never saw it take something back."""
    before: dict[str, Any] = {"at": 0.0, "done": 0, "state": "queued"}
    for seen in story.sampled:
        if seen["done"] < before["done"]:
            when = f"between {before['at']:.3f} and {seen['at']:.3f}"
            yield f"done went back from {before['done']} to {seen['done']} {when}"
        if seen["done"] + seen["failed"] + seen["leased"] > story.total:
            parts = f"done {seen['done']}, failed {seen['failed']} and leased {seen['leased']}"
            yield f"{parts} are more than {story.total}"
        if before["state"] in CLOSED and seen["state"] != before["state"]:
            yield f"it was {before['state']} at {before['at']:.3f} and {seen['state']} at {seen['at']:.3f}"
        before = seen


# Invariant 6


def _handed_out_after_cancel(story: Story, in_flight_s: float) -> Iterator[str]:
    """After a cancel was acknowledged nobody is handed anything of the task."""
    if story.cancelled_at is None:
        return
    late = [fact for fact in story.assigned if fact["at"] > story.cancelled_at + in_flight_s]
    for fact in late[:1]:
        after_s = fact["at"] - story.cancelled_at
        yield (
            f"{len(late)} hand-outs came after the cancel; the first gave {len(fact['indexes'])} payloads from index "
            f"{fact['indexes'][0]} to {fact['volunteer']}, {after_s:.3f} s after it was acknowledged"
        )


def payloads_of(document: dict[str, Any]) -> Sequence[Any] | None:
    """Return a document's payloads, computed here; None for a spec this checker does not know."""
    spec = document.get("payloads", {})
    if "range" in spec:
        return range(*spec["range"])
    return list(spec["list"]) if "list" in spec else None


def _is_of(story: Story, index: int) -> bool:
    return 0 <= index < story.total


def _repeated(indexes: Iterable[int]) -> list[int]:
    seen: set[int] = set()
    twice: set[int] = set()
    for index in indexes:
        (twice if index in seen else seen).add(index)
    return sorted(twice)


def _some(problem: str, indexes: Sequence[int]) -> Iterator[str]:
    if indexes:
        shown = ", ".join(map(str, islice(indexes, SHOWN)))
        yield f"{len(indexes)} {problem}: {shown}{', ...' if len(indexes) > SHOWN else ''}"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
