"""What ``disio test`` does: open the sandboxes, run every payload in each, show and compare.

Rule: however it ends, every process it started and every folder it made are gone.
"""

import asyncio
import contextlib
import signal
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from disio import shapes
from disio.printing import emit
from disio.trial.browser import BrowserSandbox
from disio.trial.comparing import Ran, agree, as_text, cut, differences, size_of
from disio.trial.deno import DenoSandbox
from disio.trial.native import NativeSandbox
from disio.trial.trials import Outcome, Trial
from disio_client.engines.native_walls import IN_WORDS, Walls
from disio_shared.errors import ConfigError
from disio_shared.values import as_json

MB = 1 << 20
INTERRUPTED = 130
ENDED = 143
"""Exit status after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line of ``disio test``."""

    trials: list[Trial]
    places: tuple[str, ...]
    """Where they run, of ``PLACES``."""
    repeat: int
    as_json: bool


def places_of(engine: str, runtime: str, language: str) -> tuple[str, ...]:
    """Return where the words of ``--engine`` and ``--runtime`` have a unit run.

    Raises:
        ConfigError: There is no native runtime for this language, or none in a browser.
    """
    sandboxes = {"cli": ("cli",), "browser": ("browser",), "both": ("cli", "browser")}[engine]
    if runtime == "sandbox":
        return sandboxes
    if language != "python":
        raise ConfigError("--runtime", f"{runtime} is for Python; this unit is {language}", "leave it out")
    if engine == "browser" or (engine, runtime) == ("both", "native"):
        remedy = "give --engine cli" if runtime == "native" else "give --engine both, or cli"
        raise ConfigError("--engine", f"no browser runs native Python: {engine} and --runtime {runtime}", remedy)
    return (*(sandboxes if runtime == "both" else ()), "native")


class Sandbox(Protocol):
    """Where a unit runs."""

    walls: Walls | None
    """Around native Python."""

    async def run(self, trial: Trial) -> Outcome:
        """Run one payload."""
        ...


async def try_unit(options: Options) -> int:
    """Run what the options say; return the exit status.

    Raises:
        DisioError: Nothing could be run.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    caught: list[int] = []

    def on_signal(number: int) -> None:
        if not caught:  # ending takes some seconds at most, and must not be cut short
            caught.append(number)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels there by itself
            loop.add_signal_handler(number, on_signal, number)
    try:
        runs = await _run_all(options)
    except asyncio.CancelledError:
        return ENDED if caught == [signal.SIGTERM] else INTERRUPTED
    found = differences(runs)
    is_well = not found and all(ran.outcome.is_ok for ran in runs)
    if options.as_json:
        _print_json(runs, found, is_well)
    for sentence in found:
        print(f"disio test: results differ: {sentence}", file=sys.stderr)
    return 0 if is_well else 1


async def _run_all(options: Options) -> list[Ran]:
    """Run each payload in each place, one place after the other, telling what came of it."""
    runs: list[Ran] = []
    story = None if options.as_json else _Story()
    for place in options.places:
        async with _sandbox(place, options.trials[0].language) as sandbox:
            walls = None if sandbox.walls is None else sandbox.walls.value
            if story is not None:
                story.tell_walls(sandbox.walls)
            for trial in options.trials:
                for repeat in range(1, options.repeat + 1):
                    runs.append(Ran(trial.index, place, repeat, await sandbox.run(trial), walls))
                    if story is not None:
                        story.tell(runs[-1])
    return runs


def _sandbox(place: str, language: str) -> AbstractAsyncContextManager[Sandbox]:
    if place == "native":
        return NativeSandbox.open()
    return DenoSandbox.open(language) if place == "cli" else BrowserSandbox.open(language)


class _Story:
    """Tells people of runs; one that agrees with the first of its payload is a single line."""

    def __init__(self) -> None:
        self._first: dict[int, Outcome] = {}

    @staticmethod
    def tell_walls(walls: Walls | None) -> None:
        """Print what stands around native units."""
        if walls is not None:
            print(f"native Python runs {IN_WORDS[walls]}", flush=True)

    def tell(self, ran: Ran) -> None:
        """Print what came of a run."""
        outcome = ran.outcome
        before = self._first.setdefault(ran.payload, outcome)
        lines = [f"payload {ran.payload}, {ran.name}: {_summary(outcome)}"]
        if before is outcome or not agree(before, outcome):
            lines += [f"  log: {line}" for line in outcome.logs]
            lines += [f"  saved: {cut(as_text(state))}" for state in outcome.states]
            lines += _answer(outcome)
        print("\n".join(lines), flush=True)


def _answer(outcome: Outcome) -> list[str]:
    if outcome.value is not None:
        return [f"  result: {as_text(outcome.value)}"]
    return [f"  {line}" for line in outcome.error.splitlines()]


def _summary(outcome: Outcome) -> str:
    """Return how a run ended, with time, memory and size as far as they are known."""
    parts = ["ok" if outcome.is_ok else f"failed ({outcome.kind})"]
    if outcome.seconds is not None:
        parts.append(f"{outcome.seconds:.3f} s")
    if outcome.memory_bytes is not None:
        parts.append(f"{outcome.memory_bytes / MB:.1f} MB of memory")
    if outcome.value is not None:
        size = size_of(outcome.value)
        parts.append("1 byte" if size == 1 else f"{size} bytes")
    return ", ".join(parts)


def _print_json(runs: list[Ran], found: list[str], is_well: bool) -> None:
    rows = [{"payload": ran.payload, **_where(ran), "repeat": ran.repeat, **_facts(ran.outcome)} for ran in runs]
    emit(shapes.Trials, {"ok": is_well, "differences": found, "runs": rows})


def _where(ran: Ran) -> dict[str, Any]:
    engine = "browser" if ran.place == "browser" else "cli"
    return {"engine": engine, "runtime": "native" if ran.place == "native" else "sandbox", "walls": ran.walls}


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "result": None if outcome.value is None else as_json(outcome.value),
        "bytes": None if outcome.value is None else size_of(outcome.value),
        "error": outcome.error,
        "seconds": outcome.seconds,
        "memory_bytes": outcome.memory_bytes,
        "log": outcome.logs,
        "progress": outcome.progress,
        "states": [as_json(state) for state in outcome.states],
    }
