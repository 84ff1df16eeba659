"""``disio submit``: a work unit and its inputs in, results out.

Rule: what it makes is a task like any other; this process may end at any time without harm to it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

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


input_options = _all(
    click.option("-b", "--binary", type=PATH, metavar="WASM", help="A WebAssembly binary, instead of WORKUNIT."),
    click.option("--input", "input_dir", type=PATH, metavar="DIR", help="Every file in it is an input."),
    click.option("--output", "output_dir", type=PATH, metavar="DIR", help="Gets one file for each input."),
    click.option("--suffix", default="", metavar="TEXT", help="What outputs have behind their input's name: .out"),
    click.option("--force", is_flag=True, help="Compute again what has an output."),
    click.option("--range", "range_text", metavar="A:B[:STEP]", help="Payloads are these integers, without B."),
    click.option("--grid", multiple=True, metavar="KEY=AXIS...", help="Combinations. AXIS: a:b[:step], v1,v2 or v."),
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
    click.option("--dry-run", is_flag=True, help="Print the task document and create nothing."),
)
task_options = _all(
    click.option("--name", help="What people call the task  [default: the work unit's file]"),
    click.option("--tag", "tags", multiple=True, help="A word for people and filters; may be repeated."),
    click.option("--priority", type=click.IntRange(-1000, 1000), help="Higher ones go first  [default: 0]"),
    click.option(
        "--min-ram",
        type=click.IntRange(0, 1_000_000),
        metavar="MB",
        help="What clients must offer, and a unit's most.",
    ),
    click.option("--unit-timeout", type=Seconds(0.1, 86_400), metavar="S", help="Of an input  [default: 60]"),
    click.option("--max-failures", type=click.IntRange(1, 100), metavar="N", help="Tries of one input  [default: 3]"),
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
@result_options
@task_options
@manager_options
def submit(**options: Any) -> None:
    """Have a work unit computed for many inputs.

    WORKUNIT is a .js, .py or .wasm file. Inputs are the files of a directory (--input, --output) or are generated
    (--range, --grid).

    Run it again after a break: it goes on where it was. Ctrl-C leaves the task running.

    Exit status: 0 done, 1 failure, 2 usage, 4 not allowed, 5 no manager, 6 some inputs failed, 130 Ctrl-C.
    """
    import sys

    from disio.commands.submitting import Options, run

    sys.exit(run(Options(**options)))
