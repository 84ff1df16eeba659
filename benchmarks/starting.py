"""How long ``disio`` takes to answer what people wait for at a prompt: help, completion, beside a bare interpreter.

Run with ``python benchmarks/starting.py [--runs N] [--disio COMMAND]``; the command is the ``disio`` beside this
interpreter, else ``python -m disio``. Whole processes are timed, in turns, so that all of them see the same load.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT_MS = 150
"""What help and completion may take."""
BARE = "python -c pass"


def completing(line: str) -> dict[str, str]:
    """Return what bash sets to complete the last word of a line."""
    words = line.split(" ")
    return {"_DISIO_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}


def cases(disio: list[str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return what is timed: by name a command and its environment."""
    found: dict[str, tuple[list[str], dict[str, str]]] = {BARE: ([sys.executable, "-c", "pass"], {})}
    for words in ("--help", "--version", "task list --help"):
        found[f"disio {words}"] = ([*disio, *words.split()], {})
    for line in ("disio ta", "disio task li", "disio task list --st", "disio submit unit.js --gr"):
        found[f"{line}<TAB>"] = (disio, completing(line))
    return found


def milliseconds(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; return how long it took, and its CPU time."""
    before, began = cpu_seconds(), time.perf_counter()
    subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)
    took, used = time.perf_counter() - began, cpu_seconds() - before
    return 1000 * took, 1000 * used


def cpu_seconds() -> float:
    """Return what all processes that were run have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15, help="of each")
    parser.add_argument("--disio", help="the command to time")
    options = parser.parse_args()
    beside = Path(sys.executable).with_name("disio")
    command = [options.disio or str(beside)] if options.disio or beside.exists() else [sys.executable, "-m", "disio"]
    timed = cases(command)
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
    for _ in range(options.runs + 1):
        for name, case in timed.items():
            seen[name].append(milliseconds(*case))
    print(f"{' '.join(command)}, {options.runs} runs of each, load average {os.getloadavg()[0]:.1f}")
    bare = statistics.median(took for took, _ in seen[BARE][1:])
    for name, runs in seen.items():  # the first run reads the files from the disk, and compiles them
        times, used = zip(*runs[1:], strict=True)
        median, cpu = statistics.median(times), statistics.median(used)
        told = f"best {min(times):4.0f} ms   median {median:4.0f} ms, CPU {cpu:4.0f} ms"
        print(f"{name:32s} {told}   x{median / bare:.1f} of bare python")
    print(f"help and completion may take {LIMIT_MS} ms")


if __name__ == "__main__":
    main()
