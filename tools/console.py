"""What the set-up and check scripts say, and how they run other programs: quiet when well, one clear line when not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HEAD_LINES, TAIL_LINES = 15, 25
COMMAND_TIMEOUT_S = 900.0


class SetupError(Exception):
    """A step failed: what, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")


def say(text: str) -> None:
    """Print one progress line on stderr."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str],
    remedy: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = COMMAND_TIMEOUT_S,
) -> str:
    """Run a program silently and return its stdout.

    Raises:
        SetupError: it is not there, failed (its output is on stderr then), or took over ``timeout`` seconds.
    """
    name = " ".join(command[:4])
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            timeout=timeout,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError(f"{command[0]} is not installed", remedy) from None
    except subprocess.TimeoutExpired:
        raise SetupError(f"`{name}` did not end within {timeout:g} s", remedy) from None
    if done.returncode:
        print(_ends(done.stdout), file=sys.stderr)
        raise SetupError(f"`{name}` failed with exit status {done.returncode}", remedy)
    return done.stdout


def _ends(output: str) -> str:
    """The first and the last lines: some programs put the reason first, some last."""
    lines = output.splitlines()
    if len(lines) <= HEAD_LINES + TAIL_LINES:
        return output.rstrip()
    return "\n".join([*lines[:HEAD_LINES], "...", *lines[-TAIL_LINES:]])
