"""What ``disio fleet`` asks and prints.

Rule: a distributor that is offline is shown as such, with when it was last seen; its clients are nobody's.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.showing import ago, columns, printable

Row = dict[str, Any]
PAGE = 1_000
"""Clients of one page: the manager's most."""
START_ONE = "disio distributor start --manager URL"


def show_fleet(where: Where, by: str) -> int:
    """Print the fleet; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    known = ask(where, fleet_of)
    if where.as_json:
        emit(shapes.Fleet, known)
        return 0
    distributors = known["distributors"]
    table = {"distributor": _by_distributor, "kind": _by_kind, "version": _by_version}[by](distributors)
    if len(table) > 1:
        for line in columns(table):
            click.echo(line)
    tell(sentence_of(known))
    for row in distributors:
        if row.get("trouble"):
            tell(f"{printable(row['name'])} was refused: {printable(row['trouble'])}")
    return 0


def show_clients(where: Where, limit: int) -> int:
    """Print clients; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    known, names = ask(where, lambda manager: _clients_of(manager, limit))
    if where.as_json:
        emit(shapes.Clients, known)
        return 0
    if known["clients"]:
        head = ("ID", "DISTRIBUTOR", "KIND", "SLOTS", "BUSY", "AGE", "VERSION", "LANGUAGES", "SITE")
        for line in columns([head, *(_client(row, names) for row in known["clients"])]):
            click.echo(line)
    tell(f"{_many(len(known['clients']), 'client')} of {known['total']}")
    for distributor in known["missing"]:
        tell(f"{printable(names.get(distributor, distributor))} could not be asked for its clients")
    return 0


async def _clients_of(manager: ManagerClient, limit: int) -> tuple[Row, dict[str, str]]:
    """Return clients, and how their distributors are called."""
    names = {row["id"]: row["name"] or row["id"] for row in await manager.distributors()}
    clients: list[Row] = []
    missing: dict[str, None] = {}
    cursor: str | None = ""
    total = 0
    while cursor is not None and len(clients) < limit:
        page = await manager.clients(min(PAGE, limit - len(clients)), cursor)
        clients += page["items"]
        missing |= dict.fromkeys(page["missing"])
        cursor, total = page["next_cursor"], page["total"]
    return {"clients": clients, "total": total, "missing": list(missing)}, names


def _client(row: Row, names: dict[str, str]) -> tuple[str, ...]:
    numbers = (str(row["slots"]), str(row["busy"]), ago(row["age_s"]))
    texts = (row["id"], names.get(row["distributor"], row["distributor"]), row["kind"])
    rest = (row["software"] or "unknown", ",".join(row["languages"]), row["site"] or "-")
    return (*map(printable, texts), *numbers, *map(printable, rest))


async def fleet_of(manager: ManagerClient) -> Row:
    """Return what is known of managers, distributors and clients."""
    stats, managers, distributors = await manager.stats(), await manager.managers(), await manager.distributors()
    return {
        "clients": stats["clients"],
        "slots": stats["slots"],
        "rate": stats["rate"],
        "kinds": dict(_kinds(distributors)),
        "managers": managers,
        "distributors": sorted(distributors, key=lambda row: (row["state"] == "offline", row["name"], row["id"])),
    }


def sentence_of(known: Row) -> str:
    """Return the fleet in a sentence, and what to do when nobody computes."""
    online = sum(row["state"] != "offline" for row in known["distributors"])
    if not known["distributors"]:
        return f"no distributor has ever joined; start one: {START_ONE}"
    if not online:
        return f"no distributor is online; start one: {START_ONE}"
    told = f"{_many(known['clients'], 'client')} with {_many(known['slots'], 'slot')} at {_many(online, 'distributor')}"
    alive = sum(row["alive"] for row in known["managers"])
    told += f", {_many(alive, 'manager')}, {known['rate']:.1f} payloads/s"
    if known["clients"]:
        return told
    url = next(row["url"] for row in known["distributors"] if row["state"] != "offline")
    return f"{told}; lend this computer: disio client start --distributor {url}"


def _by_distributor(distributors: Sequence[Row]) -> list[tuple[str, ...]]:
    now = time.time()
    rows: list[tuple[str, ...]] = [("NAME", "STATE", "CLIENTS", "SLOTS", "RATE", "OUTBOX", "SEEN", "VERSION", "URL")]
    for row in distributors:
        numbers = (str(row["clients"]), str(row["slots"]), f"{row['rate']:.1f}/s", str(row["outbox"]))
        seen = f"{ago(now - row['last_seen'])} ago" if row["last_seen"] else "never"
        rows.append((printable(row["name"]), row["state"], *numbers, seen, _version(row), printable(row["url"])))
    return rows


def _by_kind(distributors: Sequence[Row]) -> list[tuple[str, ...]]:
    return [
        ("KIND", "CLIENTS"),
        *((printable(kind), str(count)) for kind, count in sorted(_kinds(distributors).items())),
    ]


def _by_version(distributors: Sequence[Row]) -> list[tuple[str, ...]]:
    counts = Counter(_version(row) for row in distributors)
    clients: Counter[str] = Counter()
    for row in distributors:
        clients[_version(row)] += row["clients"]
    rows = ((version, str(count), str(clients[version])) for version, count in sorted(counts.items()))
    return [("VERSION", "DISTRIBUTORS", "CLIENTS"), *rows]


def _kinds(distributors: Sequence[Row]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for row in distributors:
        if row["state"] != "offline":
            kinds.update(row["kinds"])
    return kinds


def _version(row: Row) -> str:
    return printable(row["software"]) or "unknown"


def _many(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
