"""How an Ask is answered with blocks.

Rule: only open tasks that are not paused are granted, to distributors that may take work; every Ask is answered at
once, with blocks or with the reason why there are none, and then by itself as soon as there are some. When all is
leased, who has nothing ahead gets a part of what others have not begun.
"""

import heapq
from collections.abc import Iterable

from disio_manager.core import evening
from disio_manager.core.book import Book, Out, ref
from disio_manager.core.commands import Announce, Read, Send
from disio_manager.core.fleet import Ability, Distributor, Waiting
from disio_manager.core.lifecycle import next_state
from disio_manager.core.scheduling import Queue, can_run, has_place, is_waiting, takers, why_waiting
from disio_manager.core.splitting import cut_at, is_carried, payload_bytes, share, span_stop
from disio_manager.core.tasks import Block, TaskEntry
from disio_shared import messages
from disio_shared.payloads import ListSpec, StoredSpec, is_generated
from disio_shared.ranges import RangeSet, Run

MAX_FRESH = 256
"""Block ids that stay with a waiting Ask."""
MAX_OFFERS = 64
"""Distributors that are told of one fresh task."""
_RESTING = {"draining": "This distributor is draining.", "paused": "An operator has paused this distributor."}
MAX_OFFERED = 100
"""Tasks that one distributor is told of at a time."""


def on_ask(book: Book, known: Distributor, ask: messages.Ask, fresh: tuple[str, ...], now: float, out: Out) -> None:
    """Answer an Ask; remember it when there is nothing to grant."""
    if not known.is_taking:
        out.commands.append(Send(known.session, _empty(ask, _RESTING[known.record.state])))
        return
    if ask.only:
        if known.ability is not None:
            serve(book, known, Waiting(ask, list(fresh[:MAX_FRESH])), now, out)
        return
    book.fleet.note_ask(known, ask)
    waiting = Waiting(ask, list(fresh[:MAX_FRESH]))
    if serve(book, known, waiting, now, out) or _even_out(book, known, waiting, now, out):
        return
    if ask.payloads == 0:
        _offer(book, known, (entry for entry in book.tasks.values() if is_waiting(entry)), out)
    ability = known.ability
    assert ability is not None, "note_ask has set it"
    why = why_waiting(list(book.tasks.values()), ask, ability, known.record.id)
    out.commands.append(Send(known.session, _empty(ask, why)))
    if ask.payloads > 0:
        book.fleet.wait(known, waiting)


def look_again(book: Book, known: Distributor, now: float, out: Out) -> None:
    """See whether a distributor that waits can get a part of what others hold."""
    if known.waiting is not None and _even_out(book, known, known.waiting, now, out):
        book.fleet.settle(known)


def serve_waiting(book: Book, now: float, out: Out) -> None:
    """Answer those who wait, the longest waiting first."""
    book.is_woken = False
    for known in list(book.fleet.waiting.values()):
        if not any(is_waiting(entry) for entry in book.tasks.values()):
            return
        waiting = known.waiting
        if waiting is not None and serve(book, known, waiting, now, out):
            book.fleet.settle(known)


def offer_fresh(book: Book, out: Out) -> None:
    """Tell distributors that have enough to do of tasks they hold nothing of: else those would wait for the others."""
    fresh, book.fresh = book.fresh, set()
    for task in fresh:
        entry = book.tasks.get(task)
        if entry is None or not is_waiting(entry):
            continue
        takers = (known for known in book.fleet.online() if _may_like(entry, known))
        for known, _ in zip(takers, range(MAX_OFFERS), strict=False):
            out.commands.append(Send(known.session, messages.Offer(tasks=[task])))


def offer_more(book: Book, out: Out) -> None:
    """Tell distributors that have used up what they held of a task that there is more of it.

    They may hold enough of less urgent tasks, and would ask only when those run low.
    """
    spent, book.spent = book.spent, set()
    for task, distributor in sorted(spent):
        entry, known = book.tasks.get(task), book.fleet.known.get(distributor)
        if entry is not None and known is not None and is_waiting(entry):
            _offer(book, known, [entry], out)


def _offer(book: Book, known: Distributor, entries: Iterable[TaskEntry], out: Out) -> None:
    """Tell a distributor of those tasks, of these that wait, that it holds nothing of; the most urgent ones.

    One that has enough to do says what its clients can run with an Ask for nothing, when its session begins and when
    that changes. It may have missed offers: its connection broke, the manager was killed, or it had no clients.
    """
    liked = heapq.nsmallest(MAX_OFFERED, (each for each in entries if _may_like(each, known)), key=book.served.place)
    tasks = [entry.id for entry in liked if entry.unleased]
    if tasks:
        out.commands.append(Send(known.session, messages.Offer(tasks=tasks)))
    for entry in liked:
        if book.settings.is_shared and not entry.unleased:
            book.claim(entry, out)  # and offer what comes of it


def _may_like(entry: TaskEntry, known: Distributor) -> bool:
    """Tell whether a task is news for a distributor that does not wait for any."""
    if not known.is_taking or known.waiting is not None or known.ability is None:
        return False
    return known.record.id not in entry.holders and can_run(known.ability, entry) and has_place(entry, known.record.id)


def serve(book: Book, known: Distributor, waiting: Waiting, now: float, out: Out) -> bool:
    """Grant blocks for an Ask; return False, and change nothing, when there are none."""
    ability = known.ability
    assert ability is not None, "an Ask comes with its ability"
    draft = _Draft(book, known, waiting, now, out)
    asked = waiting.ask.only
    entries = [book.tasks[task] for task in asked if task in book.tasks] if asked else book.tasks.values()
    queue = Queue((entry for entry in entries if _fits(entry, ability, known)), book.served)
    while draft.has_room():
        entry = queue.take()
        if entry is None:
            break
        if draft.grant_one(entry) and is_waiting(entry):
            queue.put(entry)
    if book.settings.is_shared:
        _claim_more(book, known, ability, waiting.ask.payloads, out)
    return draft.finish()


def _even_out(book: Book, known: Distributor, waiting: Waiting, now: float, out: Out) -> bool:
    """Grant what another distributor has not begun; return False, and change nothing, when there is none to spare."""
    found = evening.spare(book, known, waiting.ask.payloads)
    if found is None:
        return False
    giver, blocks = found
    draft = _Draft(book, known, waiting, now, out)
    named = [(ref(block), entry, block) for entry, block in blocks]
    taken = [old for old, entry, block in named if draft.take_over(entry, block)]
    if taken:
        out.commands.append(Send(giver.session, messages.Revoke(blocks=taken)))
    return draft.finish()


def _claim_more(book: Book, known: Distributor, ability: Ability, wanted: int, out: Out) -> None:
    """Have more of tasks to look after before what there is of them runs out."""
    for entry in book.tasks.values():
        is_short = entry.unclaimed and entry.unleased < wanted and entry.record.state != "paused"
        if is_short and can_run(ability, entry) and has_place(entry, known.record.id):
            book.claim(entry, out)


def _fits(entry: TaskEntry, ability: Ability, known: Distributor) -> bool:
    return is_waiting(entry) and can_run(ability, entry) and has_place(entry, known.record.id)


def _empty(ask: messages.Ask, why: str) -> messages.Grant:
    return messages.Grant(request=ask.request, waiting=why)


class _Draft:
    """One Grant in the making."""

    def __init__(self, book: Book, known: Distributor, waiting: Waiting, now: float, out: Out) -> None:
        self._book, self._known, self._waiting = book, known, waiting
        self._now, self._out = now, out
        self._wanted = waiting.ask.payloads
        self._bytes = book.settings.max_grant_bytes
        self._blocks: list[messages.BlockGrant] = []
        self._reads: list[Read] = []
        self._entries: dict[str, TaskEntry] = {}
        self._shares: dict[str, int] = {}
        """Task to how many more of its payloads this Ask may get: a fair part is counted once, not block by block."""
        self._sizes: dict[str, int] = {}
        """Task to the payloads of one of the blocks that this part comes in."""

    def has_room(self) -> bool:
        """Tell whether one more block may go into the Grant."""
        return self._wanted > 0 and self._bytes > 0 and len(self._blocks) < self._book.settings.max_grant_blocks

    def grant_one(self, entry: TaskEntry) -> bool:
        """Lease one block of a task; return False when none can be made."""
        block = self._next_block(entry)
        if block is None:
            return False
        self._shares[entry.id] -= len(block.remaining)
        self._lease(entry, block)
        return True

    def take_over(self, entry: TaskEntry, block: Block) -> bool:
        """Lease a block that another distributor holds; return False when it does not fit in."""
        if not self.has_room() or not self._carries(entry, block.remaining.runs()):
            return False
        is_large = len(block.remaining) > self._wanted
        if is_large and not self._waiting.fresh:
            return False
        self._book.free_block(entry, block, self._out)
        if is_large:
            self._cut(entry, block, self._wanted)
        self._lease(entry, block)
        return True

    def _lease(self, entry: TaskEntry, block: Block) -> None:
        self._book.lease_block(entry, block, self._known.record.id, block.lease + 1, self._now, self._out)
        opened = len(block.remaining)
        self._wanted -= opened
        self._bytes -= payload_bytes(entry.spec, block.remaining.runs())
        self._book.served.charge(entry, opened)
        self._entries[entry.id] = entry
        if isinstance(entry.spec, StoredSpec):
            self._reads.append(Read(len(self._blocks), entry.spec, block.remaining.runs()))
        self._blocks.append(_granted(entry, block, self._book.tries.of(entry.id, block.remaining)))

    def finish(self) -> bool:
        """Send the Grant; return False when there is nothing in it."""
        if not self._blocks:
            return False
        for entry in self._entries.values():
            was = entry.record.state
            entry.record.state = next_state(entry.id, was, "grant")
            self._out.changes += entry.progress()
            if was != entry.record.state:
                self._book.save_task(entry, was, self._out)
            else:
                self._out.commands.append(Announce("task", entry.id))
        has = set(self._waiting.ask.tasks)
        manifests = [_manifest(entry) for entry in self._entries.values() if entry.id not in has]
        grant = messages.Grant(request=self._waiting.ask.request, tasks=manifests, blocks=self._blocks)
        self._out.commands.append(Send(self._known.session, grant, tuple(self._reads)))
        return True

    def _next_block(self, entry: TaskEntry) -> Block | None:
        """Return a ready block of a fair size: an old one (cut when it is too large), else a new one."""
        settings = self._book.settings
        size = min(self._share(entry), self._wanted, self._sizes[entry.id], settings.max_block)
        if size <= 0:
            return None
        block = entry.first_ready()
        if block is not None:
            is_small = self._cut(entry, block, size) or is_carried(entry.spec, block.remaining.runs(), settings)
            return block if is_small and self._carries(entry, block.remaining.runs()) else None
        stretch = entry.stretches.cutting()
        if stretch is None or not self._waiting.fresh:
            return None
        start = stretch.frontier
        stop = span_stop(entry.spec, start, min(stretch.stop, start + size), settings)
        if not self._carries(entry, [(start, stop)]):
            return None
        entry.stretches.cut(stretch, stop)
        made = Block(self._waiting.fresh.pop(0), entry.id, start, stop, RangeSet([(start, stop)]))
        self._book.add_block(entry, made)  # its row follows with the lease
        return made

    def _share(self, entry: TaskEntry) -> int:
        if entry.id not in self._shares:
            number = takers(entry, self._book.fleet.abilities())
            part = self._shares[entry.id] = share(entry.unleased, number, self._wanted)
            self._sizes[entry.id] = max(self._book.settings.min_block, -(-part // self._book.settings.grant_parts))
        return self._shares[entry.id]

    def _cut(self, entry: TaskEntry, block: Block, size: int) -> bool:
        """Leave ``size`` open payloads, or as many as a block may carry, in a ready block; False without a fresh id."""
        at = cut_at(entry, block, size, self._book.settings)
        if at == block.stop:
            return True
        if not self._waiting.fresh:
            return False
        self._book.split_block(entry, block, at, self._waiting.fresh.pop(0), self._out)
        return True

    def _carries(self, entry: TaskEntry, runs: list[Run]) -> bool:
        """Tell whether the payloads still fit; the first block always does."""
        return not self._blocks or payload_bytes(entry.spec, runs) <= self._bytes


def _granted(entry: TaskEntry, block: Block, tries: messages.TryColumns | None) -> messages.BlockGrant:
    return messages.BlockGrant(
        block=block.id,
        lease=block.lease,
        task=entry.id,
        start=block.start,
        stop=block.stop,
        done=block.closed(),
        payloads=_carried(entry, block),
        tries=tries,
    )


def _carried(entry: TaskEntry, block: Block) -> list[bytes]:
    """Return the payloads that go with a block, as far as the core has them: those that are closed are nothing."""
    if not isinstance(entry.spec, ListSpec):
        return []
    values = [b""] * (block.stop - block.start)
    for start, stop in block.remaining.runs():
        values[start - block.start : stop - block.start] = entry.spec.values[start:stop]
    return values


def _manifest(entry: TaskEntry) -> messages.TaskManifest:
    record, policy = entry.record, entry.record.policy
    return messages.TaskManifest(
        task=record.id,
        name=record.name,
        workunit=record.workunit,
        language=entry.needs,
        payloads=record.payloads if is_generated(entry.spec) else b"",
        priority=policy.priority,
        weight=policy.weight,
        unit_timeout_s=policy.unit_timeout_s,
        max_failures=policy.max_failures,
        memory_mb=policy.requires.memory_mb,
        kinds=list(policy.requires.kinds),
        when_exhausted=policy.when_exhausted,
        max_redundancy=policy.max_redundancy,
        max_lost=policy.max_lost,
        terms=record.terms,
    )
