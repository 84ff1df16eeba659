"""Trials in the CLI client's sandbox: a slot of it with its Deno engine.

Rule: the engine is started as the client starts it.
"""

import contextlib
from collections.abc import AsyncIterator

from disio.trial.hearing import Measurable, MemoryMeter
from disio.trial.kits import files_of
from disio.trial.slots import SlotSandbox
from disio.trial.trials import TrialFailed
from disio_client.engines.base import EngineUnavailable
from disio_client.engines.deno import DenoEngine, check_installed


class DenoSandbox(SlotSandbox):
    """A slot whose engines are Deno; made by ``open``."""

    def _idle_bytes(self, engine: Measurable, meter: MemoryMeter) -> int:
        """Return what it took before its first unit, and what a language takes for itself."""
        assert isinstance(engine, DenoEngine)
        return engine.idle_bytes

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, language: str) -> AsyncIterator["DenoSandbox"]:
        """Start an engine; it has ended when this is left.

        Raises:
            TrialFailed: There is no engine here.
        """
        kit = files_of(language)
        try:
            check_installed()
            files = {name: path.read_bytes() for name, path in kit.items()}
        except EngineUnavailable as error:
            raise TrialFailed(error.problem, error.remedy) from error
        except OSError as error:
            raise TrialFailed(
                f"the files that {language} units need cannot be read: {error}", "run: make web"
            ) from error
        sandbox = cls(DenoEngine.start, files)
        async with sandbox.serving():
            yield sandbox
