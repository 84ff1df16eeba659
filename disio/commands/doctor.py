"""``disio doctor``: what works on this machine, what does not, and what to do about it.

Rule: it changes nothing; whatever it starts is gone when it ends.
"""

from pathlib import Path

from disio import clicking as click
from disio.locating import data_dir_option, json_option


@click.command()
@data_dir_option("Where the services of this machine keep their data.")
@json_option()
def doctor(data_dir: Path | None, as_json: bool) -> None:
    """Look this machine over: one line for each thing that disio needs, with a remedy where one is needed.

    Exit status: 0 nothing fails (warnings are no failures), 1 something fails.
    """
    import asyncio
    import sys

    from disio.commands.doctoring import examine

    sys.exit(asyncio.run(examine(data_dir, as_json)))
