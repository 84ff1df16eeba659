"""``disio submit``: a work unit and its inputs in, results out.

Rule: what it makes is a task like any other; this process may end at any time without harm to it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from disio import clicking as click
from disio.locating import Seconds, manager_options

PATIENCE_S = 600.0
"""Seconds without a manager after which a run gives up."""
PATH = click.Path(path_type=Path)
Command = Callable[..., Any]


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return many options as one decorator, shown in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


generated_options = _all(
    click.option("--range", "range_text", metavar="A:B[:STEP]", help="Payloads are these integers, without B."),
    click.option("--grid", multiple=True, metavar="KEY=AXIS...", help="Combinations. AXIS: a:b[:step], v1,v2 or v."),
    click.option("--zip", multiple=True, metavar="KEY=AXIS...", help="The axes side by side."),
    click.option("--random", "random_count", type=click.IntRange(1), metavar="N", help="N draws of each KEY=AXIS."),
    click.option("--seed", metavar="S", help="Of the draws: a number or a word  [default: 0]"),
    click.option("--list", "list_text", metavar="JSON|FILE", help="Payloads are the items of a JSON array."),
    click.option("--lines", metavar="FILE", help="Each line is a payload, as a text. - is stdin."),
    click.option("--ndjson", metavar="FILE", help="Each line is a payload, as JSON. - is stdin."),
    click.option("--csv", "csv_name", metavar="FILE", help="Each record is a payload, by the first line's names."),
    click.option(
        "--spool-limit",
        type=click.IntRange(1),
        default=16 << 30,
        show_default=True,
        metavar="BYTES",
        help="What is kept of a pipe at most, on disk.",
    ),
)
growing_options = _all(
    click.option("--from", "source", metavar="TASK", help="Payloads are the results of this task, when it is done."),
    click.option("--stream", is_flag=True, help="With --from: as they come."),
    click.option("--batch", type=click.IntRange(1, 100_000), metavar="K", help="With --from: lists of K results."),
    click.option("--open", "is_open", is_flag=True, help="More payloads come later: disio payloads append, close."),
)
input_options = _all(
    click.option("-b", "--binary", type=PATH, metavar="WASM", help="A WebAssembly binary, instead of WORKUNIT."),
    click.option("--task", "task_file", metavar="FILE", help="A whole task document. - is stdin."),
    click.option("--input", "input_dir", type=PATH, metavar="DIR", help="Every file in it is an input."),
    click.option("--output", "output_dir", type=PATH, metavar="DIR", help="Gets one file for each input."),
    click.option("--suffix", default="", metavar="TEXT", help="What outputs have behind their input's name: .out"),
    click.option("--force", is_flag=True, help="Compute again what has an output."),
)
result_options = _all(
    click.option("--wait", is_flag=True, help="Stay until the task is over. Implied by --output."),
    click.option("--ordered", is_flag=True, help="Results in index order."),
    click.option("--out", type=PATH, metavar="FILE", help="Where results go, one a line  [default: stdout]"),
    click.option(
        "--patience",
        type=Seconds(0),
        default=PATIENCE_S,
        show_default=True,
        metavar="S",
        help="Seconds to wait for a manager that is away.",
    ),
    click.option("--key", metavar="TEXT", help="Its Idempotency-Key: the same command again finds the same task."),
    click.option("--dry-run", is_flag=True, help="Print the task document and create nothing."),
)
task_options = _all(
    click.option("--name", help="What people call the task  [default: the work unit's file]"),
    click.option("--tag", "tags", multiple=True, help="A word for people and filters; may be repeated."),
    click.option("--description", metavar="TEXT", help="What it computes, for people."),
    click.option("--public", "is_public", is_flag=True, help="Anybody may see its page."),
    click.option("--webhook", "webhooks", multiple=True, metavar="URL", help="Is told when it is over or stalled."),
    click.option("--aggregate", "aggregates", multiple=True, metavar="PATH", help="A number in results to count."),
)
policy_options = _all(
    click.option("--priority", type=click.IntRange(-1000, 1000), help="Higher ones go first  [default: 0]"),
    click.option("--weight", type=click.FloatRange(0.01, 1000), help="Its share among its priority  [default: 1]"),
    click.option("--deadline", metavar="TIME", help="When it ends: 2026-12-24T18:00, seconds since 1970, 2h30m."),
    click.option("--max-distributors", type=click.IntRange(0, 10_000), metavar="N", help="0 = any number."),
    click.option("--min-ram", type=click.IntRange(0, 1_000_000), metavar="MB", help="What clients must offer."),
    click.option("--unit-timeout", type=Seconds(0.1, 86_400), metavar="S", help="Of an input  [default: 60]"),
    click.option("--max-failures", type=click.IntRange(1, 100), metavar="N", help="Tries of one input  [default: 3]"),
    click.option("--max-task-failures", type=click.IntRange(1), metavar="N", help="Failed inputs at which it ends."),
    click.option("--redundancy", type=click.IntRange(1, 20), metavar="N", help="Results of each input."),
    click.option("--verify", metavar="MODE", help="How results of one input are compared."),
    click.option("--stop-when", multiple=True, metavar="'PATH OP JSON'", help="It is done when a result is so."),
    click.option("--stop-count", type=click.IntRange(1), metavar="N", help="When so many results are so."),
    click.option("--kinds", metavar="web,cli", help="Clients that may compute it  [default: both]"),
    click.option("--runtime", type=click.Choice(["sandbox", "native"]), help="native: Python on one's own machines."),
    click.option(
        "--output-format", type=click.Choice(["bytes", "text", "json"]), help="Of WebAssembly units  [default: bytes]"
    ),
    click.option("--clock", type=click.Choice(["fixed", "real"]), help="Of WebAssembly units  [default: fixed]"),
)


@click.command()
@click.argument("words", nargs=-1, metavar="[WORKUNIT]")
@input_options
@generated_options
@growing_options
@result_options
@task_options
@policy_options
@manager_options
def submit(**options: Any) -> None:
    """Have a work unit computed for many inputs.

    WORKUNIT is a .js, .py or .wasm file. Inputs are the files of a directory (--input, --output), lines or records of
    a file or a pipe (--lines, --ndjson, --csv), they are generated (--range, --grid, --zip, --random), or they are the
    results of another task (--from).

    Run it again after a break: it goes on where it was. Ctrl-C leaves the task running.

    Exit status: 0 done, 1 failure, 2 usage, 4 not allowed, 5 no manager, 6 some inputs failed, 130 Ctrl-C.
    """
    import sys

    from disio.commands.submit_options import Options
    from disio.commands.submitting import run

    sys.exit(run(Options(**options)))
