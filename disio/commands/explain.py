"""``disio explain``: why a task or one of its payloads is (not) progressing.

Rule: it says what the manager says, in the manager's words.
"""

from pathlib import Path

import rich_click as click

from disio.locating import manager_options


@click.command()
@click.argument("task")
@click.option("--payload", type=click.IntRange(0), metavar="I", help="Tell of one payload, by its index.")
@manager_options
def explain(
    task: str,
    payload: int | None,
    manager: str | None,
    token_file: Path | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Tell why TASK is or is not progressing, and what would help."""
    import asyncio

    from disio.commands.explaining import payload_lines, task_lines, told
    from disio.locating import locate

    url, token = locate(manager, token_file, data_dir)
    answer = asyncio.run(told(url, token, task, payload))
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(answer))
        return
    for line in task_lines(answer) if payload is None else payload_lines(answer):
        click.echo(line)
