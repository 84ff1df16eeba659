"""Trials in native Python: a slot of the CLI client with the worker that ``disio-client --trust-native`` starts.

Rule: walls are found and used as the client does it, and it is told which ones stood.
"""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from disio.finishing import to_its_end
from disio.trial.slots import SlotSandbox
from disio.trial.trials import TrialFailed
from disio_client.engines.base import EngineUnavailable
from disio_client.engines.native import NativeEngine, find_walls
from disio_shared.abilities import ability


class NativeSandbox(SlotSandbox):
    """A slot whose engines are native workers; made by ``open``."""

    language_of: ClassVar[dict[str, str]] = {"python": ability("python", "native", "test")}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator["NativeSandbox"]:
        """Find the walls of this machine and start a worker behind them; it has ended when this is left.

        Raises:
            TrialFailed: No worker starts here.
        """
        with tempfile.TemporaryDirectory(prefix="disio-test-", ignore_cleanup_errors=True) as folder:
            private = Path(folder)
            try:
                walls = await to_its_end(find_walls(private))
            except EngineUnavailable as error:
                raise TrialFailed(error.problem, error.remedy or "use --runtime sandbox") from error
            sandbox = cls(partial(NativeEngine.start, private, walls))
            sandbox.walls = walls
            async with sandbox.serving():
                yield sandbox
