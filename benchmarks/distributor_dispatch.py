"""Payloads a second through the distributor's core and its SQLite cache, every commit on the disk.

One client and one manager, both in this process and without a wire: what is measured is deciding and storing, and
what the frames of results to the manager cost, as they are and packed.
Run: python -m benchmarks.distributor_dispatch [--seconds S]
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from disio_distributor.core import commands, events
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.settings import CoreSettings
from disio_distributor.packing import frame_of
from disio_distributor.stores.sqlite import SqliteCache
from disio_shared import messages
from disio_shared.messages import PROTOCOL_VERSION

BATCHES = (1, 50, 500)
TASK = messages.TaskManifest(
    task="task", name="no-op", workunit="a" * 64, language="javascript", payloads=b'{"range":[0,1000000000]}'
)
BLOCK = 20_000


class Loop:
    """Feeds a dispatcher with what a quick client and a quick manager would say, one event a commit."""

    def __init__(self, dispatcher: Dispatcher, cache: SqliteCache) -> None:
        self.dispatcher, self.cache = dispatcher, cache
        self.waiting: list[events.Event] = []
        self.done = self.blocks = 0
        self.core_s = self.plain_s = self.packed_s = 0.0
        self.plain_bytes = self.packed_bytes = 0

    async def step(self) -> None:
        """Handle all that waits under one commit, as the shell does."""
        group, self.waiting = self.waiting, []
        changes: list[Any] = []
        sent: list[commands.Command] = []
        began = time.perf_counter()
        for event in group:
            decision = self.dispatcher.handle(event, time.monotonic())
            changes += decision.changes
            sent += decision.commands
        self.core_s += time.perf_counter() - began
        if changes:
            await self.cache.commit(changes)
        for command in sent:
            self.perform(command)

    def perform(self, command: commands.Command) -> None:
        """Answer a command the way its receiver would."""
        if isinstance(command, commands.SendManager):
            answer = self.manager(command.message)
            if answer is not None:
                self.waiting.append(events.ManagerSaid("link", answer))
        elif isinstance(command, commands.SendClient) and isinstance(command.message, messages.Assign):
            assign = command.message
            count = len(assign.indexes)
            results = messages.Results(
                token=assign.token, indexes=assign.indexes, values=assign.payloads, seconds=[1e-6] * count
            )
            self.done += count
            self.waiting.append(events.ClientSaid("session", results, request=1))
            self.waiting.append(events.ClientSaid("session", messages.Ready(slots=4)))

    def frame(self, message: messages.Deliver) -> None:
        """Make the frame of a message, as it is and packed."""
        began = time.perf_counter()
        self.plain_bytes += len(messages.FROM_DISTRIBUTOR.encode(message))
        between = time.perf_counter()
        self.packed_bytes += len(frame_of(message))
        self.plain_s += between - began
        self.packed_s += time.perf_counter() - between

    def manager(self, message: messages.FromDistributor) -> Any:
        """Return what a manager that commits at once answers."""
        if isinstance(message, messages.Ask) and message.payloads:
            blocks = range(self.blocks, self.blocks + max(1, message.payloads // BLOCK))
            self.blocks = blocks.stop
            grants = [
                messages.BlockGrant(block=f"b{n}", lease=1, task="task", start=n * BLOCK, stop=(n + 1) * BLOCK)
                for n in blocks
            ]
            return messages.Grant(request=message.request, tasks=[TASK], blocks=grants)
        if isinstance(message, messages.Deliver):
            self.frame(message)
            return messages.Committed(batch=message.batch)
        if isinstance(message, messages.FetchWorkunit):
            return messages.WorkunitCode(workunit=message.workunit, language="javascript", code=b"x")
        return None


async def measure(batch: int, seconds: float) -> str:
    """Return in a line payloads a second, and what one costs, with batches of ``batch``."""
    with tempfile.TemporaryDirectory() as folder:
        cache = await SqliteCache.open(Path(folder, "cache.db"))
        settings = CoreSettings(max_batch=max(batch, 1), deliver_results=5_000)
        dispatcher = Dispatcher.restore(await cache.load(), settings, "boot", time.monotonic())
        loop = Loop(dispatcher, cache)
        hello = messages.Hello(version=PROTOCOL_VERSION, kind="cli", languages=["javascript"], cores=min(4, batch))
        admitted = messages.Admitted(version=PROTOCOL_VERSION, cluster="c", manager="m", status_s=5, lease_s=60)
        loop.waiting = [
            events.ManagerAdmitted("link", admitted),
            events.ClientJoined("session", "client", hello, "127.0.0.1"),
            events.ClientSaid("session", messages.Ready(slots=min(4, batch))),
        ]
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            await loop.step()
        took = time.perf_counter() - began
        await cache.close()
    each = 1e6 / max(1, loop.done)
    return (
        f"batches of {batch:4d}: {loop.done / took:10,.0f} payloads/s, core {loop.core_s * each:6.2f} us a payload, "
        f"frames {loop.plain_s * each:5.2f} us and {loop.plain_bytes * each / 1e6:5.1f} bytes plain, "
        f"{loop.packed_s * each:5.2f} us and {loop.packed_bytes * each / 1e6:5.1f} bytes packed"
    )


async def main() -> None:
    """Print one line per batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=3.0, help="per batch size")
    seconds = parser.parse_args().seconds
    for batch in BATCHES:
        print(await measure(batch, seconds))


if __name__ == "__main__":
    asyncio.run(main())
