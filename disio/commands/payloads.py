"""``disio payloads``: what payload options mean, and giving payloads to growing tasks.

Rule: the options are those of ``disio submit`` and mean the same.
"""

from typing import Any

from disio import clicking as click
from disio.commands.submit import generated_options
from disio.locating import Where, json_option, manager_options


@click.group()
def payloads() -> None:
    """See what payloads will be, before there is a task, and give them to tasks that were made with --open."""


@payloads.command()
@click.argument("words", nargs=-1, metavar="[KEY=AXIS]...")
@generated_options
@json_option()
def preview(as_json: bool, **options: Any) -> None:
    """Count payloads and show the first 20 and the last 3, by the same options as `disio submit`."""
    import sys

    from disio.commands.previewing import show_preview
    from disio.commands.submit_options import Inputs

    sys.exit(show_preview(Inputs(**options), as_json))


@payloads.command()
@click.argument("task", metavar="TASK")
@click.argument("words", nargs=-1, metavar="[KEY=AXIS]...")
@generated_options
@click.option("--close", "is_last", is_flag=True, help="No more come after these.")
@manager_options
def append(task: str, is_last: bool, where: Where, **options: Any) -> None:
    """Give payloads to a task that was made with `disio submit --open`, by the same options as there.

    What comes through a pipe is read to its end first.
    """
    import sys

    from disio.commands.appending import append_payloads
    from disio.commands.submit_options import Inputs

    sys.exit(append_payloads(where, task, Inputs(**options), is_last))


@payloads.command()
@click.argument("task", metavar="TASK")
@manager_options
def close(task: str, where: Where) -> None:
    """Say that no more payloads come: the task is done when all it has are computed."""
    import sys

    from disio.commands.appending import close_task

    sys.exit(close_task(where, task))
