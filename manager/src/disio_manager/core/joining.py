"""Distributors coming, going and reporting which blocks they still work on.

Rule: a block a distributor names is its own again when nobody else got it meanwhile; any other is revoked.
"""

from disio_manager.core.book import Book, Out, is_held
from disio_manager.core.changes import DropDistributor, PutDistributor
from disio_manager.core.commands import Announce, Send
from disio_manager.core.fleet import Distributor
from disio_manager.core.intake import note_tallies
from disio_shared import messages

FULL_RETRY_S = 30.0


def on_join(book: Book, session: str, join: messages.Join, now: float, at: float, out: Out) -> None:
    """Let a distributor in, or refuse it when the fleet is full."""
    fleet, settings = book.fleet, book.settings
    if not fleet.has_room(join.distributor):
        reason = f"this manager takes at most {settings.max_distributors} distributors"
        out.commands.append(Send(session, messages.Refused(code="full", reason=reason, retry_after_s=FULL_RETRY_S)))
        return
    before = fleet.of(session)
    if before is not None and before.record.id != join.distributor:
        on_leave(book, session, at, out)
    known = fleet.join(session, join, at)
    revoked, adopted = keep_held(book, known, join.held, now, out)
    _free_lost(book, known, join.held, out)
    out.changes.append(PutDistributor(fleet.row(known)))
    for gone in fleet.surplus():
        del fleet.known[gone]
        out.changes.append(DropDistributor(gone))
    admitted = messages.Admitted(
        version=messages.PROTOCOL_VERSION,
        cluster=settings.cluster,
        manager=settings.manager,
        status_s=settings.status_s,
        lease_s=settings.lease_s,
        revoked=revoked,
        siblings=fleet.siblings(known),
        managers=sorted(peer.url for peer in book.peers.values()),
        hears=["sites"],
        token_key=settings.token_key,
    )
    out.commands.append(Send(session, admitted))
    _tell_adopted(known, adopted, out)
    _tell_states(book, known, out)
    tell_siblings(book, known, out)


def on_leave(book: Book, session: str, at: float, out: Out) -> None:
    """Note that a session is over; leases stay, the distributor works on."""
    known = book.fleet.leave(session, at)
    if known is None:
        return
    out.changes.append(PutDistributor(book.fleet.row(known)))
    tell_siblings(book, known, out)


def on_status(book: Book, known: Distributor, status: messages.Status, now: float, at: float, out: Out) -> None:
    """Extend the leases a distributor names; tell it which blocks are not its own."""
    book.fleet.note_status(known, status, at)
    revoked, adopted = keep_held(book, known, status.held, now, out)
    if revoked:
        out.commands.append(Send(known.session, messages.Revoke(blocks=revoked)))
    _tell_adopted(known, adopted, out)
    _mend_states(book, known, status, now, out)
    note_tallies(book, known, status)
    if book.peers:
        out.changes.append(PutDistributor(book.fleet.row(known)))  # so that the others see it too
    out.commands.append(Announce("fleet"))


def on_return(book: Book, known: Distributor, returned: messages.Return, out: Out) -> None:
    """Make blocks that a distributor gives back ready at once, and note what it tried of them in vain."""
    freed: set[str] = set()
    for given in returned.blocks:
        found = book.find(given.block)
        if found is not None and is_held(found[1], given.lease, known):
            book.free_block(*found, out)
            freed.add(given.block)
    for tries in returned.tries:
        if tries.task in book.tasks:
            _keep_tries(book, tries, freed, known.record.id)


def _keep_tries(book: Book, tries: messages.TryColumns, freed: set[str], distributor: str) -> None:
    entry = book.tasks[tries.task]
    blocks = ((index, entry.block_at(index)) for index in set(tries.indexes))
    is_open = {index for index, block in blocks if block and block.id in freed and index in block.remaining}
    book.tries.keep(tries, is_open, distributor)


def keep_held(
    book: Book, known: Distributor, held: list[messages.BlockRef], now: float, out: Out
) -> tuple[list[messages.BlockRef], list[messages.BlockRef]]:
    """Extend or renew the leases a distributor names.

    Returns:
        Those that are not its own, and those that it took for another manager's and are this one's. About a block
        that this manager does not know it judges only when it granted it itself, or is alone: another manager may
        have taken it over.
    """
    me = book.settings.manager
    revoked: list[messages.BlockRef] = []
    adopted: list[messages.BlockRef] = []
    for named in held:
        found = book.find(named.block)
        is_mine = not book.settings.is_shared or named.manager in ("", me)
        if found is None and not is_mine and not book.knows_all_of(named.manager):
            continue
        if found is None or found[1].lease != named.lease:
            revoked.append(named)
            continue
        if named.manager not in ("", me):
            adopted.append(messages.BlockRef(block=named.block, lease=named.lease, manager=me))
        entry, block = found
        if not block.holder:
            book.lease_block(entry, block, known.record.id, block.lease, now, out)
        elif block.holder == known.record.id:
            book.extend(block, now)
        else:
            revoked.append(named)
    taken = {each.block for each in revoked}
    return revoked, [each for each in adopted if each.block not in taken]


def _free_lost(book: Book, known: Distributor, held: list[messages.BlockRef], out: Out) -> None:
    """Make ready what a distributor does not have though it was leased to it: its Grant was lost on the way."""
    named = {each.block for each in held}
    for task, block in sorted(known.blocks):
        if block not in named:
            entry = book.tasks[task]
            book.free_block(entry, entry.blocks[block], out)


def _tell_adopted(known: Distributor, adopted: list[messages.BlockRef], out: Out) -> None:
    if adopted:
        out.commands.append(Send(known.session, messages.Adopted(blocks=adopted)))


def _tell_states(book: Book, known: Distributor, out: Out) -> None:
    """Send the states of tasks whose blocks it holds: they may have been paused or resumed while it was away."""
    for task in sorted({task for task, _ in known.blocks}):
        _tell_state(book, known, task, out)


def _tell_state(book: Book, known: Distributor, task: str, out: Out) -> None:
    state = "paused" if _is_paused(book, task) else "running"
    out.commands.append(Send(known.session, messages.TaskState(task=task, state=state)))


def _is_paused(book: Book, task: str) -> bool:
    return book.tasks[task].record.state == "paused"


def _mend_states(book: Book, known: Distributor, status: messages.Status, now: float, out: Out) -> None:
    """Send a task's state again where a Status shows that it got lost on the way, or was overtaken.

    With other managers about it may be this one that is behind, so a difference must last.
    """
    paused = set(status.paused)
    unlike = [task for task in {task for task, _ in known.blocks} if _is_paused(book, task) != (task in paused)]
    known.unlike = {task: known.unlike.get(task, now) for task in sorted(unlike)}
    lag = book.settings.lag_s if book.peers else 0.0
    for task, since in known.unlike.items():
        if now - since >= lag:
            _tell_state(book, known, task, out)


def tell_siblings(book: Book, changed: Distributor, out: Out) -> None:
    """Tell the others who is there now."""
    for other in book.fleet.online():
        if other is not changed:
            out.commands.append(Send(other.session, messages.Siblings(urls=book.fleet.siblings(other))))
    out.commands.append(Announce("fleet"))
