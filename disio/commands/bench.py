"""``disio bench``: how many units this machine gets through.

Rule: it measures a platform of its own in a folder that is gone afterwards; nothing that runs here already is touched.
"""

from disio import clicking as click
from disio.locating import json_option


@click.command()
@click.option(
    "--units", type=click.IntRange(1_000, 10_000_000), default=100_000, show_default=True, help="Payloads of each run."
)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Measured runs.")
@click.option(
    "--cores",
    type=click.IntRange(0, 1024),
    default=0,
    metavar="N",
    help="Units that the client runs at a time; 0 = the machine's cores.",
)
@click.option(
    "--limit",
    type=click.FloatRange(1, 86_400),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one run may take.",
)
@json_option()
def bench(units: int, runs: int, cores: int, limit: float, as_json: bool) -> None:
    """Measure what disio itself costs here: work units that return at once, through a whole platform.

    Manager, distributor and one client are started in a temporary folder, with everything on disk that must be
    there. What is told is units a second, and the CPU time that each part takes for a unit.
    """
    import asyncio
    import sys

    from disio.commands.benching import measure

    sys.exit(asyncio.run(measure(units, runs, cores, limit, as_json)))
