"""Python tasks that take turns at a slot: interpreters that are kept, and whose the memory is that they take."""

import json

import pytest

from disio_client.engines.base import MB
from tests.unit.client_cli.python_rig import PythonRig
from tests.unit.client_cli.slot_rig import serving
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

CALLS = "calls = []\ndef run(payload, unit):\n    calls.append(payload)\n    return calls\n"
HOLD = "def run(payload, unit):\n    global held\n    held = bytearray(payload)\n    return len(held)\n"
LOOK = "export default (ms) => { const end = Date.now() + ms; while (Date.now() < end); return ms }"
"""Runs for so many milliseconds, in which the slot looks at the memory of its engine every 250."""


async def test_a_task_finds_its_interpreter_again_and_no_other_does() -> None:
    async with serving(PythonRig()) as rig:
        seen = []
        for turn, rig.task in enumerate(["one", "two", "one", "two"]):
            await rig.run_python(CALLS, [str(turn).encode()])
            seen.append(json.loads(rig.values[0]))
        assert seen == [[0], [1], [0, 2], [1, 3]]


async def test_what_a_kept_interpreter_holds_is_not_the_next_units() -> None:
    async with serving(PythonRig()) as rig:
        await rig.run_python(HOLD, [str(150 * MB).encode()], memory_mb=200)
        assert rig.values == {0: str(150 * MB).encode()}
        rig.forget()
        await rig.run(LOOK, [b"1000"], memory_mb=1)
        assert (rig.values, rig.failures) == ({0: b"1000"}, {})
        await rig.run_python(HOLD, [b"7"], memory_mb=200)
        assert (rig.values, len(rig.engines)) == ({0: b"7"}, 1)


async def test_memory_that_python_took_is_no_units_any_more_when_it_is_gone() -> None:
    async with serving(PythonRig(keep_mb=0)) as rig:
        await rig.run_python(HOLD, [b"1"], memory_mb=64)
        (engine,) = rig.engines
        at_most = engine.idle_bytes
        rig.forget()
        await rig.run(LOOK, [b"1"], memory_mb=64)

        def came_down() -> bool:
            return engine.used_bytes() < 64 * MB and engine.idle_bytes < at_most - 32 * MB

        await wait_until(came_down, 60.0, on_timeout=lambda: (at_most // MB, engine.idle_bytes // MB))
