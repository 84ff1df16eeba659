"""What a task's webhooks are to be told.

Rule: only what a webhook asks for is noted, once for each; the caller writes the row.
"""

from disio_manager.core.commands import Announce, Command
from disio_manager.core.records import Due, TaskRecord

MAX_DUE = 64
"""Of one task; the oldest goes first."""


def note(record: TaskRecord, happened: str, at: float, commands: list[Command]) -> None:
    """Note that something happened to a task, just before its version grows."""
    wanted = [(place, hook.url) for place, hook in enumerate(record.webhooks) if happened in hook.events]
    if not wanted:
        return
    # The version makes the name one of its own: no two changes of a task have the same.
    fresh = [
        Due(id=f"{record.id}.{record.version + 1}.{place}", event=happened, at=at, url=url, place=place)
        for place, url in wanted
    ]
    record.due = [*record.due, *fresh][-MAX_DUE:]
    commands.append(Announce("hooks", record.id))
