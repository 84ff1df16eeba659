"""``disio task``: look at tasks, and do something about them.

Rule: what cannot be undone is done only when somebody was asked, or said ``--yes``.
"""

import sys
from collections.abc import Callable
from typing import Any

from click.shell_completion import CompletionItem

from disio import clicking as click
from disio.locating import Seconds, Where, manager_options, place_options

STATES = ("queued", "running", "paused", "done", "failed", "cancelled", "expired")
Command = Callable[..., Any]


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the words for tasks that need no manager to be asked."""
    return [CompletionItem(word) for word in ("last", "all") if word.startswith(incomplete)]


selector = click.argument("words", nargs=-1, required=True, metavar="TASK...", shell_complete=_complete)
some_or_where = click.argument("words", nargs=-1, metavar="[TASK...]", shell_complete=_complete)
where_option = click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="NAME=VALUE",
    help="Instead of TASK, every task that fits: state=running,paused, q=TEXT, number=3-8, failures=yes, all=yes, "
    "created-from, created-before, ended-from, ended-before=30d. May be repeated; all must fit.",
)
dry_option = click.option("--dry-run", is_flag=True, help="With --where: only tell how many fit.")
one_task = click.argument("word", metavar="TASK", shell_complete=_complete)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def task() -> None:
    """Look at tasks, and do something about them.

    TASK is `last`, a number, an id, a range of numbers `3-8`, several with commas, or `all`:
    every task that the command makes sense for.
    """


@task.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--q", metavar="TEXT", help="Only those with this in their name or in a tag.")
@click.option("--tag", metavar="TAG", help="Only those with this tag.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="The newest N.")
@click.option("--all", "is_all", is_flag=True, help="However many there are.")
@manager_options
def list_tasks(state: str | None, q: str | None, tag: str | None, limit: int, is_all: bool, where: Where) -> None:
    """List tasks, newest first."""
    from disio.commands.task_showing import Wanted, show_list

    sys.exit(show_list(where, Wanted(state or "", q or "", tag or "", None if is_all else limit)))


@task.command()
@selector
@manager_options
def show(words: tuple[str, ...], where: Where) -> None:
    """Show tasks."""
    from disio.commands.task_showing import show_tasks

    sys.exit(show_tasks(where, words))


@task.command()
@selector
@click.option("--interval", type=Seconds(0.1, 3600), default=1.0, show_default=True, metavar="S", help="Between looks.")
@manager_options
def watch(words: tuple[str, ...], interval: float, where: Where) -> None:
    """Watch tasks until all of them are over: bars on a terminal, else a line for each change.

    Ctrl-C stops the watching alone.

    Exit status: 0 all are done, 1 one was cancelled or is past its deadline, 6 payloads failed.
    """
    from disio.commands.task_watching import Watching, watch_tasks

    sys.exit(watch_tasks(where, words, Watching(interval_s=interval, is_told=True)))


@task.command()
@selector
@click.option("--timeout", type=Seconds(0), metavar="S", help="Give up after so many seconds, with status 5.")
@place_options
def wait(words: tuple[str, ...], timeout: float | None, where: Where) -> None:
    """Wait until tasks are over.

    Exit status: 0 all are done, 1 one was cancelled or is past its deadline, 5 time is up, 6 payloads failed.
    """
    from disio.commands.task_watching import Watching, watch_tasks

    sys.exit(watch_tasks(where, words, Watching(timeout_s=timeout)))


@task.command()
@selector
@click.option("--top", type=click.IntRange(0, 100), default=3, show_default=True, metavar="N", help="Extremes shown.")
@manager_options
def aggregates(words: tuple[str, ...], top: int, where: Where) -> None:
    """Show numbers about the results of tasks: count, mean, extremes and histogram of each numeric field."""
    from disio.commands.counting import show_aggregates

    sys.exit(show_aggregates(where, words, top))


@task.command()
@one_task
@click.option("--payload", type=click.IntRange(0), metavar="I", help="Tell of one payload, by its index.")
@manager_options
def explain(word: str, payload: int | None, where: Where) -> None:
    """Tell why a task is or is not progressing, and what would help."""
    from disio.commands.explaining import explain_task

    sys.exit(explain_task(where, word, payload))


def _verb(name: str, summary: str, *extra: Callable[[Command], Command]) -> None:
    """Add a command that does one thing to each task."""

    def use(
        words: tuple[str, ...],
        where: Where,
        yes: bool = False,
        failed: bool = False,
        indexes: str | None = None,
        conditions: tuple[str, ...] = (),
        dry_run: bool = False,
    ) -> None:
        if bool(words) == bool(conditions):
            raise click.UsageError("name tasks, or say which by --where; not both.")
        if dry_run and not conditions:
            raise click.UsageError("--dry-run goes with --where.")
        if conditions:
            from disio.commands.bulking import bulk

            if indexes is not None:
                raise click.UsageError("--indexes are those of one task, and --where means many.")
            sys.exit(bulk(where, name, conditions, dry_run, yes))
        from disio.commands.task_verbs import retry_some, use_verb

        sys.exit(use_verb(where, name, words, yes) if indexes is None else retry_some(where, words, indexes))

    command: Command = manager_options(use)
    for option in extra:
        command = option(command)
    argument = some_or_where if where_option in extra else selector
    task.command(name, help=summary)(argument(command))


_MANY = (yes_option, dry_option, where_option)
_verb("pause", "Hand out nothing more of tasks for now.", *_MANY)
_verb("resume", "Go on with paused tasks.", *_MANY)
_verb("cancel", "End tasks; what came of them stays.", *_MANY)
_verb(
    "retry",
    "Queue the failed payloads of tasks again.",
    click.option("--failed", is_flag=True, help="The failed payloads alone: it always is so."),
    click.option("--indexes", metavar="3,7-9", help="Of one task's failed payloads these alone."),
    *_MANY,
)
_verb("clone", "Create tasks with the same documents; their ids are printed.")
_verb("delete", "Delete tasks with their results.", *_MANY)


@task.command()
@selector
@click.option("--name", help="What people call it.")
@click.option("--tag", "tags", multiple=True, help="Its tags from now on; may be repeated. An empty one: none.")
@click.option("--description", help="What it computes, for people.")
@click.option("--priority", type=click.IntRange(-1000, 1000), help="Higher ones go first.")
@click.option("--weight", type=click.FloatRange(0.01, 1000), help="Its share among those of its priority.")
@click.option("--max-distributors", type=click.IntRange(0, 10_000), metavar="N", help="0 = any number.")
@click.option("--max-task-failures", type=click.IntRange(1), metavar="N", help="Failed payloads at which it ends.")
@click.option("--deadline", metavar="TIME", help="When it ends: 2026-12-24T18:00, seconds since 1970, 2h30m, none.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=JSON", help="Any field that can be changed.")
@manager_options
def edit(words: tuple[str, ...], settings: tuple[str, ...], where: Where, **options: Any) -> None:
    """Change what can be changed of tasks."""
    from disio.commands.task_verbs import edit_tasks

    sys.exit(edit_tasks(where, words, options, settings))
