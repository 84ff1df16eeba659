"""No-op throughput of the whole pipeline: REST, manager, distributor, CLI client and engines on this machine.

Run: ``make bench`` or ``python benchmarks/throughput.py [--units N] [--runs N] [--cores N]``.

What is measured is what ``disio bench`` measures, with more units. Compared with a bare skeleton of the same pipeline
(no leases, no limits, no recovery), measured elsewhere on two cores: 208,000 units/s in batches of 100 and 300,000 in
batches of 500; and with the budget of 10 microseconds of CPU a unit.
"""

import argparse
import asyncio

from disio.commands.benching import lines, numbers, runs_of

BUDGET_US = 10
LIMIT_S = 300.0


def main() -> None:
    """Read the command line, run and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--units", type=int, default=200_000, help="payloads of the measured task")
    parser.add_argument("--runs", type=int, default=3, help="measured runs")
    parser.add_argument("--cores", type=int, default=0, help="units the client runs at a time; 0 = all cores")
    options = parser.parse_args()
    seen = asyncio.run(runs_of(options.units, options.runs, options.cores, LIMIT_S))
    print("\n".join(lines(numbers(options.units, options.cores, seen))))
    print(f"  budget {BUDGET_US}")


if __name__ == "__main__":
    main()
