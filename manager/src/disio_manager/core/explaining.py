"""Why a task, or one payload, is or is not progressing, in sentences.

Rule: each sentence states a fact of this moment and, where somebody can help, what would.
"""

from disio_manager.core.book import Book
from disio_manager.core.fleet import Distributor
from disio_manager.core.lacking import lacking
from disio_manager.core.records import TaskRecord
from disio_manager.core.scheduling import can_run, has_place
from disio_manager.core.tasks import Block, TaskEntry
from disio_manager.core.views import PayloadView
from disio_manager.core.wording import many, pace, span

QUIET = 0.001
"""Payloads a second below which nothing counts as coming in."""


def explain(book: Book, entry: TaskEntry, now: float) -> list[str]:
    """Return at least one sentence about an open task."""
    record = entry.record
    lines = [f"{record.done} of {record.total} payloads done, {record.failed} failed, {entry.leased} handed out."]
    lines += _searched(record)
    if record.growing and not record.source:
        lines.append("It takes more payloads as they are given to it: close it when there are no more.")
    lines += _troubles(book, entry, now)
    if record.state == "paused":
        return [*lines, "The task is paused: resume it to go on."]
    rate = entry.meter.rate(now)
    if entry.holders and rate > QUIET:
        lines.append(f"{_counted(entry)} computing it, {pace(rate, 'payloads')} lately.")
    elif entry.holders:
        lines.append(f"{_counted(entry)} holding blocks of it, but no result has come lately.")
        lines += [_why_quiet(book, entry, holder, now) for holder in sorted(entry.holders)[:5]]
    elif entry.open == 0 and record.growing:
        lines.append("Every payload that it has so far is closed.")
    elif entry.open == 0:
        lines.append("Every payload is closed; another manager is still queuing failed ones again.")
    elif entry.leased_here < entry.leased and rate > QUIET:
        lines.append(f"Other managers of the cluster compute it, {pace(rate, 'payloads')} lately.")
    else:
        lines += _why_idle(book, entry)
    return lines


def _troubles(book: Book, entry: TaskEntry, now: float) -> list[str]:
    record, lines = entry.record, []
    if record.failed:
        lines.append(f"Quarantined: {many(record.failed, 'payload')}. Read why, then retry.")
    if record.policy.max_task_failures is not None:
        lines.append(f"It ends as failed at {record.policy.max_task_failures} quarantined payloads.")
    if record.lost:
        times = many(record.lost, "time")
        lines.append(f"{times} a client vanished while it may have run a payload; those went to others.")
    if record.policy.deadline is not None:
        left = record.policy.deadline - (now + book.offset)
        lines.append(f"It expires in {span(max(0.0, left))}: give it a later deadline if that is too soon.")
    return lines


def _searched(record: TaskRecord) -> list[str]:
    stop = record.policy.stop_when
    if stop is None:
        return []
    wanted = "a result satisfies" if stop.count == 1 else f"{stop.count} results satisfy"
    return [f"It is done as soon as {wanted} stop_when: {record.matched} of {record.done} do so far."]


def _counted(entry: TaskEntry) -> str:
    number = len(entry.holders)
    return "1 distributor is" if number == 1 else f"{number} distributors are"


def _why_quiet(book: Book, entry: TaskEntry, holder: str, now: float) -> str:
    known = book.fleet.known.get(holder)
    name = known.record.name if known is not None else holder
    if known is None or not known.session:
        ends = [book.leases.deadline(entry.id, block.id) for block in entry.held_by(holder)]
        last = max((end for end in ends if end is not None), default=now)
        return f"Distributor {name} is away: its payloads go to others in {span(last - now)} unless it comes back."
    has = f"{many(known.record.clients, 'client')} with {many(known.record.slots, 'slot')}"
    return f"Distributor {name} has {has}; {_doing(book, entry, known)}"


def _doing(book: Book, entry: TaskEntry, known: Distributor) -> str:
    if known.record.state == "draining":
        return "it is draining and gives its blocks back."
    if not known.record.clients:
        return "it waits for clients: open its page in a browser or start `disio client`."
    if known.ability is not None and not can_run(known.ability, entry):
        why = "" if book.has_takers(entry) else f" {_lacking(book, entry)}"
        return f"none of them can run this task now; it gives the blocks back after about a minute.{why}"
    return f"units may take up to {entry.record.policy.unit_timeout_s:g} s each (unit_timeout_s)."


def _why_idle(book: Book, entry: TaskEntry) -> list[str]:
    online = [one for one in book.fleet.online() if one.is_taking]
    if not online:
        lines = ["No distributor is connected: start one with `disio distributor start`."]
        if any(one.session for one in book.fleet.known.values()):
            return ["Every distributor that is here is paused or draining, as an operator wants it: see `disio fleet`."]
        return lines if not book.peers else ["No distributor is connected to this manager, but there are others."]
    if not book.has_takers(entry):
        return [_lacking(book, entry)]
    if all(one.record.id in entry.barred for one in online):
        return ["Operators have stopped it at every distributor that is connected: see `disio fleet resume`."]
    if not any(has_place(entry, one.record.id) for one in online):
        return ["It has as many distributors as its owner allows: raise max_distributors."]
    return ["It waits for its turn: tasks of a higher priority or with a smaller share so far come first."]


def _lacking(book: Book, entry: TaskEntry) -> str:
    return lacking(entry, [each for each, _ in book.fleet.abilities()])


def payload_view(book: Book, entry: TaskEntry, index: int, now: float) -> PayloadView:
    """Return where one payload of an open task stands."""
    stretch = entry.stretches.at(index)
    if stretch is None:
        return _elsewhere(book, entry, index)
    block = entry.block_at(index)
    if block is not None and index in block.remaining:
        return _in_block(book, entry, block, now)
    me = book.settings.manager
    if index >= stretch.frontier:
        lines = ["It was never handed out: blocks are cut in index order.", *explain(book, entry, now)[1:]]
        return PayloadView(state="waiting", manager=me, sentences=lines)
    return PayloadView(state="closed", manager=me)


def _elsewhere(book: Book, entry: TaskEntry, index: int) -> PayloadView:
    found = [each for each in entry.stretches.others.values() if each.start <= index < each.stop]
    if not found:
        return PayloadView(
            state="waiting", sentences=["No manager looks after it yet: it is claimed when its turn comes."]
        )
    owner = found[0].owner
    peer = book.peers.get(owner)
    if peer is None:
        text = "Its manager is gone; another one takes over within about 15 s."
    else:
        text = f"Another manager looks after it: ask {peer.url}."
    return PayloadView(state="elsewhere", manager=owner, sentences=[text])


def _in_block(book: Book, entry: TaskEntry, block: Block, now: float) -> PayloadView:
    me = book.settings.manager
    if not block.holder:
        return PayloadView(
            state="ready", block=block.id, lease=block.lease, manager=me, sentences=explain(book, entry, now)[1:]
        )
    known = book.fleet.known.get(block.holder)
    name = known.record.name if known is not None else ""
    ends = book.leases.deadline(entry.id, block.id)
    left = None if ends is None else max(0.0, ends - now)
    lines = [f"Distributor {name or block.holder} holds it."]
    if left is not None:
        lines.append(f"Without a sign of life of that distributor it goes to another one in {span(left)}.")
    if known is None or not known.session:
        lines.append("That distributor is away.")
    return PayloadView(
        state="leased",
        block=block.id,
        lease=block.lease,
        holder=block.holder,
        holder_name=name,
        lease_ends_s=left,
        manager=me,
        sentences=lines,
    )
