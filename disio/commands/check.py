"""``disio check``: does what stopped services have stored keep disio's invariants.

Rule: it only reads, and never beside a service at work.
"""

from pathlib import Path

from disio import clicking as click
from disio.locating import data_dir_option, json_option


@click.command()
@click.option("--db", metavar="URL", help="sqlite:PATH or mongodb://... [default: SQLite in the data directory].")
@data_dir_option("Where the manager, or the distributor, keeps its data.")
@json_option()
def check(db: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Verify what a manager or a distributor keeps that does not run: one line for each problem, and a summary.

    In a data directory both the manager's store and the distributor's cache are read, as far as they are there.

    Exit status: 0 clean, 1 there are problems, 5 the store is not there or in use.
    """
    import asyncio
    import sys

    from disio.commands.checking import check_store

    sys.exit(asyncio.run(check_store(db or "", data_dir, as_json)))
