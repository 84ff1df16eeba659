"""What follows at once from what operators want: who may be given blocks, and who is told of as a sibling.

Rule: the distributors carry orders out; here is only what a manager decides by them.
"""

import msgspec

from disio_manager.core.book import Book, Out
from disio_manager.core.changes import PutDistributor
from disio_manager.core.commands import Announce
from disio_manager.core.joining import tell_siblings
from disio_manager.core.orders import FleetOrders


def on_ordered(book: Book, orders: FleetOrders, out: Out) -> None:
    """Decide by new orders from now on."""
    fleet = book.fleet
    fleet.orders = orders
    for entry in book.tasks.values():
        entry.barred = fleet.barred(entry.id)
    for known in fleet.online():
        state = orders.of(known.record.id).state
        if state == known.record.state:
            continue
        if state == "online":
            known.record = msgspec.structs.replace(known.record, state=state)
        else:
            fleet.rest(known, state)
        out.changes.append(PutDistributor(fleet.row(known)))
        tell_siblings(book, known, out)
    book.is_woken = True
    out.commands.append(Announce("fleet"))
