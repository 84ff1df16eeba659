"""Commands of ``disio`` run in this process against a manager that serves."""

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
from click.testing import CliRunner, Result

from disio import shapes
from disio.cli import exit_status, root
from disio_shared import messages
from disio_shared.errors import DisioError
from tests.unit.manager.served import Served


async def disio(*words: str, data: Path | None = None, **more: Any) -> Result:
    """Run a command while the event loop goes on serving."""
    here = () if data is None else ("--data-dir", str(data))
    environment = {"DISIO_MANAGER": None, "DISIO_TOKEN_FILE": None, "DISIO_DATA_DIR": None}
    return await asyncio.to_thread(lambda: CliRunner().invoke(root, [*words, *here], env=environment, **more))


def status_of(result: Result) -> int:
    """Return the exit status that the command line makes of it."""
    if isinstance(result.exception, DisioError):
        return exit_status(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code


def objects(result: Result, command: str) -> list[dict[str, Any]]:
    """Return the objects on stdout, which have the shape that is promised; a manager in this process logs there too."""
    found = [json.loads(line) for line in result.stdout.splitlines() if not line.startswith("2")]
    for each in found:
        jsonschema.validate(each, shapes.schema(command))
    return found


async def compute(served: Served, failing: frozenset[int] = frozenset(), count: int = 100) -> None:
    """Play a distributor: square what is handed out, and fail what shall fail."""
    peer = served.peer(f"d{len(served.peers) + 1}")
    await peer.join()
    grant = await peer.leased(count)
    for block in grant.blocks:
        indexes = list(range(block.start, block.stop))
        failed = [index for index in indexes if index in failing]
        if failed:
            errors = [["boom"]] * len(failed)
            columns = messages.FailureColumns(task=block.task, indexes=failed, errors=errors)
            await peer.say(messages.Deliver(batch=f"f{block.start}", failures=[columns]))
            await peer.hear(messages.Committed)
        good = [index for index in indexes if index not in failing]
        if good:
            await peer.deliver(block.task, good, batch=f"b{block.start}")
