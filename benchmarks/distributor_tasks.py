"""What a Ready costs the distributor's core when it holds many tasks.

One client that runs all of them takes a batch of each in turn and returns it; nothing is stored or sent.
Run: python -m benchmarks.distributor_tasks [--tasks N] [--rounds N]
"""

import argparse
import time

from disio_distributor.core import commands, events
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.records import Snapshot
from disio_distributor.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.messages import PROTOCOL_VERSION

KINDS = ["web", "cli"]
SEVERAL = (1, 100, 1_000)


def filled(tasks: int) -> Dispatcher:
    """Return a dispatcher with one block of each of ``tasks`` tasks and one client."""
    core = Dispatcher.restore(Snapshot(distributor_id="d", token_key=b"k" * 32), CoreSettings(), "boot", 0.0)
    admitted = messages.Admitted(version=PROTOCOL_VERSION, cluster="c", manager="m", status_s=1e6, lease_s=60)
    core.handle(events.ManagerAdmitted("link", admitted), 0.0)
    manifests = [
        messages.TaskManifest(
            task=f"t{at}", name="n", workunit="a" * 64, language="javascript", kinds=KINDS,
            payloads=b'{"range":[0,1000000000]}',
        )
        for at in range(tasks)
    ]  # fmt: skip
    blocks = [
        messages.BlockGrant(block=f"b{at}", lease=1, task=f"t{at}", start=0, stop=10_000_000) for at in range(tasks)
    ]
    core.handle(events.ManagerSaid("link", messages.Grant(request=1, tasks=manifests, blocks=blocks)), 0.0)
    code = messages.WorkunitCode(workunit="a" * 64, language="javascript", code=b"x")
    core.handle(events.ManagerSaid("link", code), 0.0)
    hello = messages.Hello(version=PROTOCOL_VERSION, kind="cli", languages=["javascript"], cores=4)
    core.handle(events.ClientJoined("s", "client", hello, "127.0.0.1"), 0.0)
    return core


def measure(tasks: int, rounds: int) -> float:
    """Return microseconds of a Ready that is answered with an Assign, of ten payloads or so."""
    core = filled(tasks)
    spent = 0.0
    for round_ in range(rounds):
        began = time.perf_counter()
        decision = core.handle(events.ClientSaid("s", messages.Ready(slots=4)), float(round_))
        spent += time.perf_counter() - began
        for command in decision.commands:
            if isinstance(command, commands.SendClient) and isinstance(command.message, messages.Assign):
                assign = command.message
                count = len(assign.indexes)
                results = messages.Results(
                    token=assign.token, indexes=assign.indexes, values=[b"1"] * count, seconds=[1.0] * count
                )
                core.handle(events.ClientSaid("s", results, request=1), float(round_))
    return spent / rounds * 1e6


def main() -> None:
    """Print one line per number of tasks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tasks", type=int, nargs="*", default=list(SEVERAL), help="numbers of held tasks")
    parser.add_argument("--rounds", type=int, default=2_000, help="Readies per number")
    asked = parser.parse_args()
    for tasks in asked.tasks:
        print(f"{tasks:6,d} tasks: {measure(tasks, asked.rounds):8.1f} us a Ready")


if __name__ == "__main__":
    main()
