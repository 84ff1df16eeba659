"""Who is to be told what became of a task, and has not been told yet.

Rule: that somebody is to be told is written with the change that it is about, and stands in the task's row until
whoever tells it says that this is over; so no crash loses it.
"""

import msgspec

from disio_manager.core.book import Book, Out
from disio_manager.core.changes import PutTask
from disio_manager.core.commands import Announce
from disio_manager.core.due import note
from disio_manager.core.events import HooksChanged
from disio_manager.core.lifecycle import is_open
from disio_manager.core.records import TaskRecord
from disio_shared.errors import TaskNotFound


def on_changed(book: Book, event: HooksChanged, out: Out) -> None:
    """Add an event that is to be told, or take out what is over.

    Raises:
        TaskNotFound: There is no such task, or it is closed and did not come with the event.
    """
    entry = book.tasks.get(event.task)
    if entry is not None:
        if _change(entry.record, event, out):
            book.save_task(entry, entry.record.state, out)
        return
    if event.stored is None or event.stored.record.id != event.task or is_open(event.stored.record.state):
        raise TaskNotFound(event.task)
    record = msgspec.structs.replace(event.stored.record)
    if _change(record, event, out):
        record.version, record.changed_by = record.version + 1, book.settings.manager
        out.changes.append(PutTask(record, record.state))
        out.commands.append(Announce("task", record.id))


def _change(record: TaskRecord, event: HooksChanged, out: Out) -> bool:
    """Change what of a task is to be told; return whether anything did."""
    before = record.due
    record.due = [each for each in before if each.id not in event.over]
    if event.happened:
        note(record, event.happened, event.at, out.commands)
    return record.due != before
