"""``disio test``: run a work unit here, in the sandboxes of volunteers, before it is submitted.

Rule: nothing is sent anywhere; no manager, no distributor and no account are needed.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from disio import clicking as click
from disio.locating import Seconds, json_option

if TYPE_CHECKING:
    from disio_shared.taskdoc import Language

LANGUAGES: dict[str, "Language"] = {".js": "javascript", ".mjs": "javascript", ".wasm": "wasm", ".py": "python"}
"""What a unit's file name says of its language."""


@click.command()
@click.argument("workunit", type=click.Path(path_type=Path))
@click.option(
    "--payload",
    "payloads",
    metavar="JSON|@FILE",
    multiple=True,
    required=True,
    help="A payload: JSON text, or a file: JSON if it is called .json, else raw bytes. Several run in order.",
)
@click.option("--raw", is_flag=True, help="Payloads are raw bytes as they stand, files whatever they are called.")
@click.option(
    "--engine",
    type=click.Choice(["cli", "browser", "both"]),
    default="cli",
    show_default=True,
    help="Whose sandbox: the CLI client's, a browser's (DISIO_BROWSER names one), or one after the other.",
)
@click.option(
    "--runtime",
    type=click.Choice(["sandbox", "native", "both"]),
    default="sandbox",
    show_default=True,
    help="native: Python as --trust-native runs it, with this machine's packages; both: compare the two.",
)
@click.option(
    "--repeat", type=click.IntRange(1, 1000), default=2, show_default=True, help="Runs of each payload in each engine."
)
@click.option(
    "--language",
    type=click.Choice(["javascript", "wasm", "python"]),
    help="What the unit is written in [default: by its suffix .js, .mjs, .wasm or .py].",
)
@click.option(
    "--index",
    metavar="N",
    type=click.IntRange(0, 10**12 - 1),
    default=0,
    show_default=True,
    help="unit.index of the first payload; the next ones count on.",
)
@click.option("--state", metavar="JSON|@FILE", help="What an earlier client saved: unit.state of each payload.")
@click.option(
    "--timeout",
    metavar="S",
    type=Seconds(0.1, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds that one unit may take.",
)
@click.option(
    "--memory-mb",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    default=64,
    show_default=True,
    help="Memory that one unit may use, as requires.memory_mb of a task.",
)
@click.option(
    "--output",
    type=click.Choice(["bytes", "text", "json"]),
    default="bytes",
    show_default=True,
    help="What a WebAssembly unit writes to its standard output.",
)
@click.option(
    "--clock",
    type=click.Choice(["fixed", "real"]),
    default="fixed",
    show_default=True,
    help="The time that WebAssembly units see.",
)
@json_option()
def test(
    workunit: Path,
    payloads: tuple[str, ...],
    raw: bool,
    engine: str,
    runtime: str,
    repeat: int,
    language: "Language | None",
    index: int,
    state: str | None,
    timeout: float,
    memory_mb: int,
    output: str,
    clock: str,
    as_json: bool,
) -> None:
    """Run a work unit on some payloads, exactly as volunteers' clients do, and show what comes of it.

    Each payload runs twice (--repeat), and results that differ are told of: volunteers' results are compared, so a
    unit must give the same result each time and everywhere. unit.random draws the same numbers in each run.

    With --runtime native the unit may do whatever this machine's walls let it, and that is told first.

    Exit status: 0 all runs gave the same result, 1 a unit failed or results differ, or nothing could be run, 2 usage.
    """
    import asyncio
    import sys

    from disio.commands.trying import Options, places_of, try_unit
    from disio.trial.inputs import read_trials

    trials = read_trials(
        workunit,
        payloads,
        raw=raw,
        language=language or LANGUAGES.get(workunit.suffix.lower()),
        first_index=index,
        state=state,
        unit_timeout_s=timeout,
        memory_mb=memory_mb,
        output=output,
        clock=clock,
    )
    places = places_of(engine, runtime, trials[0].language)
    sys.exit(asyncio.run(try_unit(Options(trials=trials, places=places, repeat=repeat, as_json=as_json))))
