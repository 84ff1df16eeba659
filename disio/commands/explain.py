"""``disio explain``: why a task or one of its payloads is (not) progressing.

Rule: it says what the manager says, in the manager's words.
"""

from disio import clicking as click
from disio.locating import Where, manager_options


@click.command()
@click.argument("task")
@click.option("--payload", type=click.IntRange(0), metavar="I", help="Tell of one payload, by its index.")
@manager_options
def explain(task: str, payload: int | None, where: Where) -> None:
    """Tell why TASK is or is not progressing, and what would help.

    TASK is `last`, a number or an id.
    """
    import sys

    from disio.commands.explaining import explain_task

    sys.exit(explain_task(where, task, payload))
