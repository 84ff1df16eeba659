"""Where results come from, in a file beside them.

Rule: with it and a manager the same results can be made again: it has the task document and the hash of its code.
"""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

import msgspec

from disio import __version__
from disio.rest import ManagerClient
from disio.rest.counted import counted
from disio.results.state import Places, State, write_whole

PIECE = 1 << 20


async def write_provenance(manager: ManagerClient, places: Places, state: State) -> None:
    """Write it.

    Args:
        manager: Has the task.
        places: Of the download, which is whole.
        state: Of the download at its end.

    Raises:
        DisioError: The manager is away, or the file cannot be written.
    """
    told = await counted(lambda: manager.provenance(state.task))
    facts = {
        "disio": __version__,
        "downloaded_at": round(time.time(), 3),
        "manager": manager.url,
        "file": {
            **await asyncio.to_thread(_file_facts, places.path, state),
            "rows": state.rows,
            "from": state.start,
            "matched": state.is_matched,
            "clients": state.clients.results,
            "clients_beyond": state.clients.others,
        },
        "provenance": told,
    }
    write_whole(places.provenance, msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")


def _file_facts(path: Path, state: State) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": path.name, "format": state.format}
    if not path.is_file():
        return facts
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return facts | {"bytes": size, "sha256": digest.hexdigest()}
