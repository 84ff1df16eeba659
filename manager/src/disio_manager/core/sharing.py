"""One of several managers on a database: claims, what the others did, and what a manager that is gone left behind.

Rule: the store is right about tasks and about stretches of others; memory is right about own stretches. Each look may
be late, so everything here may be told twice or after the fact.
"""

import msgspec

from disio_manager.core import retrying
from disio_manager.core.book import Book, Out
from disio_manager.core.changes import AddFailures, DeleteTask, DropFailures, DropNotices, NoteResults
from disio_manager.core.commands import Announce, Send
from disio_manager.core.events import ClusterSeen, StretchClaimed, StretchesTaken
from disio_manager.core.growing import take_growth, take_log
from disio_manager.core.intake import end_blocks
from disio_manager.core.lifecycle import is_open
from disio_manager.core.records import LoadedTask, Notice, SharedTask, StretchRecord, TaskRecord
from disio_manager.core.tasks import TaskEntry
from disio_shared import messages
from disio_shared.errors import OwnershipLost
from disio_shared.ranges import RangeSet, Run, runs_of


def strangers(book: Book) -> list[str]:
    """Return owners of stretches of open tasks that are no live manager."""
    entries = book.tasks.values()
    owners = {each.owner for entry in entries for each in entry.stretches.others.values()}
    given_up = {""} if not any(map(book.has_takers, entries)) else set()
    return sorted(owners - book.peers.keys() - given_up)


def on_cluster(book: Book, event: StretchClaimed | StretchesTaken | ClusterSeen, now: float, out: Out) -> None:
    """Take in news of the cluster."""
    if isinstance(event, StretchClaimed):
        on_claimed(book, event, now, out)
    elif isinstance(event, StretchesTaken):
        on_taken(book, event, now, out)
    else:
        on_seen(book, event, now, out)


def on_claimed(book: Book, event: StretchClaimed, now: float, out: Out) -> None:
    """Look after what was claimed; when another manager was faster, claim what comes after it.

    A claim that came to nothing counts as under way for a while, then those who wait are looked at again.
    """
    entry = book.tasks.get(event.task)
    if entry is None:
        return
    if not event.stretches:
        book.pause_claim(entry, now)
        return
    tried, entry.claim = entry.claim, None
    book.vain.pop(entry.id, None)
    has_more = _learn(book, entry, event.stretches)
    if not has_more and tried is not None and not entry.unleased:
        book.claim(entry, out)


def _learn(book: Book, entry: TaskEntry, seen: list[StretchRecord]) -> bool:
    """Take in stretches; of own ones that are new here only those that nothing was done with yet.

    Others that are this manager's were taken over and come, with their blocks, with StretchesTaken.
    """
    me = book.settings.manager
    fine = [each for each in seen if each.owner != me or (each.frontier == each.start and not each.done + each.failed)]
    fresh = entry.stretches.learn(fine)
    entry.recount()
    if fresh:
        book.is_woken = True
        book.fresh.add(entry.id)
    return bool(fresh)


def on_taken(book: Book, event: StretchesTaken, now: float, out: Out) -> None:
    """Go on with what a manager left that is gone.

    Raises:
        OwnershipLost: This manager owned some of it before, without a break as far as it knew: it was itself taken for
            gone meanwhile, and what it has in memory is old.
    """
    for loaded in event.tasks:
        known = book.tasks.get(loaded.record.id)
        if known is not None and any(each.start in known.stretches.own for each in loaded.stretches):
            raise OwnershipLost(f"a stretch of task {loaded.record.id}, for a while")
    for loaded in event.tasks:
        entry = book.tasks.get(loaded.record.id)
        if entry is None:
            entry = TaskEntry.restore(loaded, book.settings.manager, now)
            book.put_entry(entry, now)
        else:
            take_log(entry, loaded)
            book.note_blocks(entry, entry.take(loaded), now)
        entry.stretches.write_all()
        retrying.catch_up(book, entry, out)
        book.settle(entry, event.at, out)


def on_seen(book: Book, event: ClusterSeen, now: float, out: Out) -> None:
    """Take in what the other managers did."""
    _meet(book, event, out)
    _see_tasks(book, event, now, out)
    for notice in event.look.notices:
        _take_notice(book, notice, now, event.at, out)
    for growth in event.look.grown:
        if growth.task in book.tasks:
            take_growth(book, book.tasks[growth.task], growth, event.at, out)
    if event.look.notices:
        out.changes.append(DropNotices([notice.id for notice in event.look.notices]))
    for entry in list(book.tasks.values()):
        if not book.settle(entry, event.at, out):
            _give_up_unserved(book, entry, now, out)
    book.has_looked = True


def _see_tasks(book: Book, event: ClusterSeen, now: float, out: Out) -> None:
    for loaded in event.fresh_tasks:
        _take_in(book, loaded, now, out)
    for shared in event.look.tasks:
        known = book.tasks.get(shared.record.id)
        if known is None:
            continue
        if shared.record.number != known.record.number:
            _forget_deleted(book, known, out)  # deleted and, with the same idempotency key, made anew
        else:
            _catch_up(book, known, shared, now, out)
    for task in event.look.gone:
        if task in book.tasks:
            _forget_deleted(book, book.tasks[task], out)


def _give_up_unserved(book: Book, entry: TaskEntry, now: float, out: Out) -> None:
    """Leave stretches that nobody here can work on, and nobody works on, to a manager with clients for them."""
    is_served = book.has_takers(entry) or any(book.fleet.is_online(holder) for holder in entry.holders)
    if is_served or not entry.unleased or not book.peers:
        book.unserved.pop(entry.id, None)
        return
    if now - book.unserved.setdefault(entry.id, now) < book.settings.yield_s:
        return
    del book.unserved[entry.id]
    book.forget_blocks(entry)
    out.changes += entry.give_up()


def _meet(book: Book, event: ClusterSeen, out: Out) -> None:
    """Know who is there, and tell distributors, who hold a link to each manager."""
    peers = {peer.id: peer for peer in event.peers}
    if peers != book.peers:
        urls = sorted(peer.url for peer in peers.values())
        out.commands += [Send(known.session, messages.Managers(urls=urls)) for known in book.fleet.online()]
    book.peers = peers
    book.fleet.elsewhere = {each.id: each for each in event.look.distributors if each.manager in peers}


def _take_in(book: Book, loaded: LoadedTask, now: float, out: Out) -> None:
    """Hold a task that another manager created or opened again."""
    if loaded.record.id in book.tasks or not is_open(loaded.record.state):
        return
    entry = TaskEntry.restore(loaded, book.settings.manager, now)
    book.put_entry(entry, now)
    retrying.catch_up(book, entry, out)
    out.commands.append(Announce("task", entry.id))


def _catch_up(book: Book, entry: TaskEntry, shared: SharedTask, now: float, out: Out) -> None:
    """Bring a task up to what the store says of it."""
    before = entry.record.done + entry.record.failed
    _learn(book, entry, shared.stretches)
    grown = entry.record.done + entry.record.failed - before
    if grown > 0:
        entry.meter.count(grown, now)
        out.commands.append(Announce("task", entry.id))
    if not _is_newer(shared.record, entry.record, book.settings.manager):
        return
    was = entry.record.state
    kept = {name: getattr(entry.record, name) for name in ("payloads", "total", "done", "failed", "matched")}
    if 0 in entry.stretches.own:
        kept["growing"] = entry.record.growing  # the log says so, whatever others have heard of it
    kept |= {name: max(getattr(entry.record, name), getattr(shared.record, name)) for name in _TALLIES}
    entry.record = msgspec.structs.replace(shared.record, **kept)
    out.commands.append(Announce("task", entry.id))
    if not is_open(entry.record.state):
        book.let_go(entry, out)
        return
    book.note_deadline(entry)
    if was != entry.record.state and "paused" in (was, entry.record.state):
        book.tell_holders(entry, out, "paused" if entry.record.state == "paused" else "running")
    retrying.catch_up(book, entry, out)


_TALLIES = ("lost", "tries_failed", "copies")


def _is_newer(seen: TaskRecord, known: TaskRecord, me: str) -> bool:
    """Tell whether a row is newer than memory. Of two changes of the same number the one that was written stands."""
    if seen.version == known.version:
        return seen.changed_by not in (me, known.changed_by)
    return seen.version > known.version


def _forget_deleted(book: Book, entry: TaskEntry, out: Out) -> None:
    """Let go of a task that another manager deleted, with what was written of it since."""
    book.tell_holders(entry, out, "cancelled")
    book.forget(entry)
    out.changes.append(DeleteTask(entry.id))
    out.commands.append(Announce("task-deleted", entry.id))


def _take_notice(book: Book, notice: Notice, now: float, at: float, out: Out) -> None:
    """Close what another manager took in. Where a payload is failed and done, the result stands."""
    entry = book.tasks.get(notice.task)
    if entry is None:
        return
    done, _ = entry.stretches.sort(notice.done, entry.record.total)
    after_all = _common(entry.failed, done)
    entry.failed.remove_all(after_all)
    entry.count(after_all, done=1, failed=-1)
    closing = entry.close(done)
    number = entry.count(closing.accepted, done=1)
    if closing.accepted or after_all:
        fresh = RangeSet([*after_all, *closing.accepted])
        entry.count_matched([index for index in notice.matched if index in fresh])
        out.changes.append(NoteResults(entry.id, [*after_all, *closing.accepted]))
    end_blocks(book, None, closing, out)
    needless = RangeSet(done).difference(closing.accepted).runs()
    if needless:
        out.changes.append(DropFailures(entry.id, needless))
    failed = _take_failed(book, entry, notice, at, out)
    book.counting.add(entry.id, "ok", number + sum(stop - start for start, stop in after_all))
    book.counting.add(entry.id, "failed", failed)
    number += failed
    entry.meter.count(number, now)
    out.changes += entry.progress()
    out.commands.append(Announce("task", entry.id))


def _take_failed(book: Book, entry: TaskEntry, notice: Notice, at: float, out: Out) -> int:
    failed, _ = entry.stretches.sort(runs_of(notice.failed), entry.record.total)
    closing = entry.close(failed)
    if closing.accepted:
        entry.failed.add_all(closing.accepted)
        taken = RangeSet(closing.accepted)
        rows = {index: errors for index, errors in zip(notice.failed, notice.errors, strict=True) if index in taken}
        out.changes.append(AddFailures(entry.id, list(rows), list(rows.values()), at))
    end_blocks(book, None, closing, out)
    return entry.count(closing.accepted, failed=1)


def _common(some: RangeSet, runs: list[Run]) -> list[Run]:
    """Return the parts of ``runs`` that are in a set."""
    return RangeSet(runs).difference(RangeSet(runs).difference(some.runs()).runs()).runs()
