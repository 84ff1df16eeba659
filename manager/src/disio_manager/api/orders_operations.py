"""Calls by which operators act on the fleet.

Rule: see ``operations``.
"""

from disio_manager.api import orders
from disio_manager.api.fleet_view import DistributorShown
from disio_manager.api.operation import Answer, JsonBody, Operation
from disio_manager.core.orders import BlockedClient

THEN = {200: Answer("It as it is then", DistributorShown)}
FULL = (409,)

ORDERS: tuple[Operation, ...] = (
    Operation(
        "drain_distributor",
        "POST",
        "/api/distributors/{id}/drain",
        orders.drain,
        "fleet",
        "Have a distributor move its clients away and give back its work, until this is undone",
        THEN,
        problems=FULL,
        query=orders.ReasonQuery,
        role="operator",
    ),
    Operation(
        "undrain_distributor",
        "POST",
        "/api/distributors/{id}/undrain",
        orders.undrain,
        "fleet",
        "Have a drained distributor take clients and work again",
        THEN,
        problems=FULL,
        role="operator",
    ),
    Operation(
        "pause_distributor",
        "POST",
        "/api/distributors/{id}/pause",
        orders.pause,
        "fleet",
        "Have a distributor hand out nothing more; what runs finishes",
        THEN,
        problems=FULL,
        query=orders.ReasonQuery,
        role="operator",
    ),
    Operation(
        "stop_distributor",
        "POST",
        "/api/distributors/{id}/stop",
        orders.stop,
        "fleet",
        "Have what the clients of a distributor run stopped, of all tasks or of one, and handed out elsewhere",
        THEN,
        problems=FULL,
        query=orders.StopQuery,
        role="operator",
    ),
    Operation(
        "resume_distributor",
        "POST",
        "/api/distributors/{id}/resume",
        orders.resume,
        "fleet",
        "End a pause and a stop, or the stop of one task",
        THEN,
        problems=FULL,
        query=orders.ResumeQuery,
        role="operator",
    ),
    Operation(
        "cap_distributor",
        "PUT",
        "/api/distributors/{id}/cap",
        orders.cap,
        "fleet",
        "Limit the clients of a distributor, and the units they run at a time",
        THEN,
        problems=FULL,
        body=JsonBody(orders.Cap, orders.Cap, "The limits"),
        role="operator",
    ),
    Operation(
        "block_client",
        "POST",
        "/api/clients/{id}/block",
        orders.block,
        "fleet",
        "Keep a client out of every distributor; what it holds goes to others, its votes stay",
        {200: Answer("It is blocked", BlockedClient)},
        problems=FULL,
        query=orders.ReasonQuery,
        role="operator",
    ),
    Operation(
        "unblock_client",
        "POST",
        "/api/clients/{id}/unblock",
        orders.unblock,
        "fleet",
        "Let a client in again",
        {204: Answer("It is not blocked", media=())},
        problems=FULL,
        role="operator",
    ),
    Operation(
        "list_blocked",
        "GET",
        "/api/blocked",
        orders.list_blocked,
        "fleet",
        "List the clients that are kept out, by id",
        {200: Answer("One page", orders.BlockedList)},
        query=orders.BlockedQuery,
        role="operator",
    ),
)
