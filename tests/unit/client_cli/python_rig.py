"""A slot with a real engine for Python units, and the files that they need."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from disio_client import events as ev
from disio_client.engines.deno import HOST_SCRIPT, DenoEngine
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms
from tests.unit.client_cli.test_runner import SlotRig

KITS = Path(__file__).parents[3] / "distributor/src/disio_distributor/static/kits"


def python_kit(language: str) -> Mapping[str, bytes]:
    """Return the kit of Python as the build made it."""
    if language != "python":
        return {}
    kit = msgspec.json.decode(HOST_SCRIPT.with_name("kits.json").read_bytes())[language]
    return {file["name"]: (KITS / kit["name"] / file["name"]).read_bytes() for file in kit["files"]}


class PythonRig(SlotRig):
    """The same for Python; what units logged is kept too."""

    def __init__(self, private_dir: Path) -> None:
        super().__init__(private_dir)
        self.slot = Slot(
            0, partial(DenoEngine.start, private_dir), lambda _: self.code, self._take, SystemClock(), python_kit
        )

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
        self.values.clear()
        self.failures.clear()
        self.code = code.encode()
        number = next(self._numbers)
        run = ev.StartRun(
            slot=0,
            run=number,
            token=f"token-{number}",
            task="task",
            workunit=f"{hash(code):x}",
            language="python",
            indexes=list(range(len(payloads))),
            payloads=payloads,
            unit_timeout_s=timeout_s,
            memory_mb=memory_mb,
            terms=terms or Terms(),
            states=states or {},
        )
        self.slot.start(run)
        await self.until(lambda: self._finished == number, "finished")
