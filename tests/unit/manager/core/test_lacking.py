"""What explain says when no connected client can run a task."""

from typing import Any

import pytest

from disio_shared.messages import BlockRef
from disio_shared.taskdoc import Requires
from tests.unit.manager.core.world import World


@pytest.mark.parametrize(
    ("ask", "lacks"),
    [
        ({"languages": [], "kinds": []}, "No client is connected: start `disio client`"),
        ({"languages": ["python"]}, "native Python, trusted for cluster c: start `disio-client --trust-native c`"),
        ({"languages": ["python-native:c"], "kinds": ["web"]}, "is of kind cli: start `disio client`"),
        ({"languages": ["python-native:c"], "memory_mb": 512}, "offers 1000 MB of memory, the most is 512 MB"),
    ],
)
def test_explain_says_in_words_what_no_client_has(ask: dict[str, Any], lacks: str) -> None:
    world = World()
    requires = Requires(memory_mb=1000, kinds=["cli"])
    world.create("t", '{"range": [0, 100]}', language="python", runtime="native", requires=requires)
    world.join("a")
    world.ask("a", 1, **ask)
    assert lacks in world.core.explain("t", world.now)[-1]
    world.ask("a", 1, languages=["python-native:c"])
    assert world.grants("a")[-1].blocks


def test_so_it_does_while_a_distributor_still_holds_the_task() -> None:
    world = World()
    world.create("t", '{"range": [0, 100]}', language="python")
    world.join("a")
    world.ask("a", 100, languages=["python"])
    world.status("a", [BlockRef(block=one.block, lease=one.lease) for one in world.grants("a")[-1].blocks])
    world.ask("a", 0, languages=["javascript"])
    told = world.core.explain("t", world.now)[-1]
    assert "it gives the blocks back after about a minute. No connected client runs Python: " in told


def test_explain_says_where_to_look_when_clients_cannot_have_the_files_of_a_language() -> None:
    world = World()
    world.create("t", '{"range": [0, 100]}', language="python")
    world.join("a")
    world.ask("a", 1, languages=["javascript", "wasm"])
    told = world.core.explain("t", world.now)[-1]
    assert told.startswith("No connected client runs Python: every client does that gets Python's files from its")
