"""What ``disio fleet drain`` and the like do.

Rule: a distributor is meant by its id, or by a name that only one has; the answer tells how it stands then.
"""

import time
from typing import Any
from urllib.parse import quote, urlencode

import click

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.showing import ago, columns, printable
from disio_shared.errors import ConfigError, DistributorNotFound

Row = dict[str, Any]
TOLD = {
    "drain": "moves its clients away and gives its work back",
    "undrain": "takes clients and work again",
    "pause": "hands out nothing more",
    "stop": "is told to stop",
    "resume": "hands out work again",
}


def order(where: Where, distributor: str, verb: str, query: dict[str, str]) -> int:
    """Want something of a distributor; return the exit status.

    Raises:
        DisioError: The manager is away or refuses, or there is no such distributor.
    """
    words = urlencode({name: value for name, value in query.items() if value})

    async def act(manager: ManagerClient) -> Row:
        row = await _one(manager, distributor)
        return await manager.json("POST", f"/api/distributors/{quote(row['id'], safe='')}/{verb}?{words}")

    row = ask(where, act)
    what = f"{TOLD[verb]}: task {query['task']}" if query.get("task") else TOLD[verb]
    return _shown(where, row, what)


def limit(where: Where, distributor: str, clients: int, slots: int) -> int:
    """Limit a distributor; return the exit status.

    Raises:
        DisioError: As in ``order``.
    """

    async def act(manager: ManagerClient) -> Row:
        row = await _one(manager, distributor)
        body = {"max_clients": clients, "max_slots": slots}
        return await manager.json("PUT", f"/api/distributors/{quote(row['id'], safe='')}/cap", body)

    told = f"takes {clients} clients" if clients else "takes as many clients as it was started for"
    told += f", which run {slots} units at a time" if slots else ""
    return _shown(where, ask(where, act), told)


def block_client(where: Where, client: str, reason: str) -> int:
    """Keep a client out; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    words = urlencode({"reason": reason} if reason else {})
    row: Row = ask(where, lambda manager: manager.json("POST", f"/api/clients/{quote(client, safe='')}/block?{words}"))
    if where.as_json:
        emit(shapes.BlockedClient, row)
    else:
        tell(f"{printable(client)} is blocked; undo it: disio fleet unblock {printable(client)}")
    return 0


def unblock_client(where: Where, client: str) -> int:
    """Let a client in again; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """

    async def act(manager: ManagerClient) -> None:
        path = f"/api/clients/{quote(client, safe='')}/unblock"
        async with manager.answer("POST", path, None, {}) as answer:
            await manager.check(answer)

    ask(where, act)
    if where.as_json:
        emit(shapes.Unblocked, {"client": client, "blocked": False})
    else:
        tell(f"{printable(client)} is not blocked")
    return 0


def show_blocked(where: Where) -> int:
    """List the clients that are kept out; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    rows = ask(where, _blocked)
    if where.as_json:
        emit(shapes.BlockedClients, {"items": rows, "total": len(rows)})
        return 0
    now = time.time()
    lines = [(printable(row["client"]), f"{ago(now - row['at'])} ago", printable(row["reason"]) or "-") for row in rows]
    for line in columns([("CLIENT", "SINCE", "REASON"), *lines] if lines else []):
        click.echo(line)
    tell(f"{len(rows)} blocked")
    return 0


async def _blocked(manager: ManagerClient) -> list[Row]:
    rows: list[Row] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await manager.json("GET", f"/api/blocked?{urlencode({'limit': 1000, 'cursor': cursor})}")
        rows += page["items"]
        cursor = page["next_cursor"]
    return rows


async def _one(manager: ManagerClient, word: str) -> Row:
    rows = await manager.distributors()
    found = [row for row in rows if row["id"] == word] or [row for row in rows if row["name"] == word]
    if not found:
        raise DistributorNotFound(word)
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found)
        raise ConfigError("DISTRIBUTOR", f"{len(found)} are called {printable(word)}", f"give an id: {ids}")
    return found[0]


def _shown(where: Where, row: Row, told: str) -> int:
    if where.as_json:
        emit(shapes.OrderedDistributor, row)
        return 0
    name = printable(row["name"] or row["id"])
    tell(f"{name} {told}" if row["state"] != "offline" else f"{name} is offline; when it is back, it {told}")
    return 0
