"""A slot with a real engine for Python units, and the files that they need."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from disio_client.engines.deno import HOST_SCRIPT, KEEP_MB, DenoEngine
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms
from tests.unit.client_cli.slot_rig import SlotRig

KITS = Path(__file__).parents[3] / "distributor/src/disio_distributor/static/kits"


def python_kit(language: str) -> Mapping[str, bytes]:
    """Return the kit of Python as the build made it."""
    if language != "python":
        return {}
    kit = msgspec.json.decode(HOST_SCRIPT.with_name("kits.json").read_bytes())[language]
    return {file["name"]: (KITS / kit["name"] / file["name"]).read_bytes() for file in kit["files"]}


class PythonRig(SlotRig):
    """The same for Python.

    Args:
        keep_mb: What the engine may keep for tasks that come again.
    """

    def __init__(self, keep_mb: int = KEEP_MB) -> None:
        super().__init__()
        self.engines: list[DenoEngine] = []
        """All that were started, the newest last."""

        async def start() -> DenoEngine:
            self.engines.append(await DenoEngine.start(keep_mb))
            return self.engines[-1]

        self.slot = Slot(0, start, lambda _: self.code, self._take, SystemClock(), python_kit)

    async def run_python(
        self,
        code: str,
        payloads: list[bytes],
        timeout_s: float = 30.0,
        memory_mb: int = 0,
        states: dict[int, bytes] | None = None,
        terms: Terms | None = None,
    ) -> None:
        """Run a unit on payloads to their end; what earlier runs answered is forgotten."""
        self.forget()
        await self.run(
            code, payloads, timeout_s=timeout_s, memory_mb=memory_mb, states=states, language="python", terms=terms
        )
