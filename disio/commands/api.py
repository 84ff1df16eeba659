"""``disio api``: any call of the manager's REST interface.

Rule: what the manager answers goes to stdout as it is, whatever it is; the exit status says how it went.
"""

from typing import Any

from disio import clicking as click
from disio.locating import Where, manager_options


@click.command()
@click.argument("words", nargs=-1, metavar="METHOD PATH")
@click.option("--data", metavar="JSON|@FILE|-", help="The body: JSON, what a file holds, or stdin.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="May be repeated.")
@click.option("--schema", metavar="COMMAND", help="Print the JSON Schema of what a command prints with --json.")
@manager_options
def api(words: tuple[str, ...], schema: str | None, where: Where, **options: Any) -> None:
    """Call the manager: `disio api GET tasks`. Its calls are on the page /api/docs; /api may be left out.

    `disio api --schema "task show"` shows what can be relied on in `disio task show --json`.

    Exit status: 0 a success, 3 not found, 4 not allowed, 5 away, 1 refused otherwise.
    """
    import sys

    from disio.commands.calling import call, print_schema

    sys.exit(print_schema(schema) if schema is not None else call(where, words, **options))
