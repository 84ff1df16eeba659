"""``disio results``: a task's results into files and pipes.

Rule: stdout gets results and nothing else; a file is there when it is whole.
"""

from pathlib import Path
from typing import Any

from disio import clicking as click
from disio.commands.submit import PATIENCE_S
from disio.locating import Seconds, Where, manager_options

FORMATS = ("values", "ndjson", "csv", "parquet", "sqlite", "dir")


@click.command()
@click.argument("word", metavar="TASK")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="[default: by --out's ending, else ndjson]")
@click.option("--out", metavar="FILE|DIR|-", help="Where they go; - is stdout, the default.")
@click.option("--follow", is_flag=True, help="Stay until the task is over, and write results as they come.")
@click.option("--ordered", is_flag=True, help="With --follow: in index order.")
@click.option("--resume", is_flag=True, help="Go on where a download to the same file was broken off.")
@click.option("--from", "start", type=click.IntRange(0), default=0, metavar="I", help="The first payload.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many payloads from there on.")
@click.option("--matched", is_flag=True, help="Those alone that the task searches for (--stop-when).")
@click.option("--failures", is_flag=True, help="Payloads that failed, with the errors of their tries, as NDJSON.")
@click.option(
    "--patience",
    type=Seconds(0),
    default=PATIENCE_S,
    show_default=True,
    metavar="S",
    help="Seconds to wait for a manager that is away.",
)
@manager_options
def results(word: str, kind: str | None, out: str | None, where: Where, **options: Any) -> None:
    """Write the results of TASK (`last`, a number or an id), in index order.

    Beside a file lies FILE.provenance.json: the task's document, the hash of its code, who computed it.

    Exit status: 0 all that is there is written (with --follow: the task is done), 3 no such task, 5 no manager,
    6 with --follow: payloads failed, 130 Ctrl-C.
    """
    import sys

    from disio.commands.resulting import Wish, write_results

    target = None if out in (None, "-") else Path(str(out))
    sys.exit(write_results(where, Wish(word=word, kind=kind, out=target, **options)))
