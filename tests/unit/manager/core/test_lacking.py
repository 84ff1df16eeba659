"""What explain says when no connected client can run a task."""

from typing import Any

import pytest

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
