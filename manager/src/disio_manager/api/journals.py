"""The journal of a store, if it keeps one.

Rule: a call that needs a journal is refused by name where there is none; it never answers as if nothing had come.
"""

from typing import Any

from disio_manager.api.problems import BadRequest
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import JournalStore, Position
from disio_shared.errors import FieldProblem


def journal_of(store: ManagerStore, at: str = "") -> JournalStore:
    """Return where a store keeps what was accepted, in order.

    Args:
        store: Of this manager.
        at: The parameter that asks for it.

    Raises:
        BadRequest: It keeps none.
    """
    journal: Any = getattr(store, "journal", None)
    if journal is None:
        message = "this manager's database does not keep the order in which results came: read them in index order"
        raise BadRequest(422, "no-journal", f"{at}: {message}" if at else message, [FieldProblem(at, message)])
    found: JournalStore = journal
    return found


def position_of(cursor: str) -> Position:
    """Return the position that a cursor names.

    Raises:
        BadRequest: It is none.
    """
    try:
        return Position.parse(cursor)
    except ValueError as error:
        message = "is no cursor of results in the order of finishing"
        raise BadRequest(400, "bad-request", f"cursor: {message}", [FieldProblem("cursor", message)]) from error
