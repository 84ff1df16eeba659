"""What people may do to a task: create, edit, pause, resume, cancel, retry, delete.

Rule: a verb is checked completely before anything changes.
"""

import msgspec

from disio_manager.core import retrying
from disio_manager.core.book import Book, Out
from disio_manager.core.changes import AddSegments, DeleteTask, PutStretch, PutTask
from disio_manager.core.commands import Announce
from disio_manager.core.events import TaskCommanded, TaskCreated, TaskEdited
from disio_manager.core.lifecycle import is_open, next_state
from disio_manager.core.records import LoadedTask, PartRetry, StretchRecord, TaskRecord
from disio_manager.core.tasks import TaskEntry
from disio_shared.errors import FieldProblem, IllegalVerb, InvalidDocument, TaskNotFound
from disio_shared.taskdoc import Editable, problems_of
from disio_shared.wording import problem_of

EDITABLE = tuple(Editable.__struct_fields__)
EDITABLE_POLICY = frozenset({"priority", "weight", "max_distributors", "max_task_failures", "deadline", "stall_s"})


def on_created(book: Book, event: TaskCreated, now: float, out: Out) -> None:
    """Take a new task in; a repeat changes nothing."""
    if event.record.id in book.tasks:
        return
    me = book.settings.manager
    entry = TaskEntry(msgspec.structs.replace(event.record), event.spec, me, now)
    if not book.settings.is_shared or entry.record.form:
        entry.stretches.learn([StretchRecord(task=entry.id, start=0, stop=entry.record.total, owner=me, frontier=0)])
    book.put_entry(entry, now)
    if event.first:
        out.changes.append(AddSegments(entry.id, entry.record.number, event.first))
    book.save_task(entry, "", out)
    out.changes += [PutStretch(msgspec.structs.replace(each)) for each in entry.stretches.own.values()]
    if book.settings.is_shared and book.has_takers(entry):
        book.claim(entry, out)


def on_commanded(book: Book, event: TaskCommanded, now: float, out: Out) -> None:
    """Carry out a verb.

    Raises:
        TaskNotFound: There is no such task, or it is closed and did not come with the event.
        IllegalVerb: The task's state does not allow it.
    """
    record = _record(book, event.task, event.stored)
    after = next_state(record.id, record.state, event.verb)
    if event.verb == "retry" and not record.failed and record.state != "failed":
        raise IllegalVerb(record.id, "retry", f"{record.state} without failed payloads")
    if event.verb == "delete":
        _delete(book, record, out)
    elif event.verb == "cancel":
        book.end_task(book.tasks[record.id], "cancel", event.at, out)
    elif event.verb == "retry":
        noted = retrying.noted(record, _stretches(book, event), event.only)
        _retry(book, _entry(book, event, now), noted, after, event.at, out)
    else:
        _pause_or_resume(book, book.tasks[record.id], after, out)


def on_edited(book: Book, event: TaskEdited, at: float, out: Out) -> None:
    """Change fields of a task.

    Raises:
        TaskNotFound: There is no such task, or it is closed and did not come with the event.
        InvalidDocument: A field may not be changed, or not to this value.
    """
    record = _record(book, event.task, event.stored)
    edit = _edited(record, event.changes)
    edited = msgspec.structs.replace(record, **{name: getattr(edit, name) for name in EDITABLE})
    entry = book.tasks.get(record.id)
    if entry is not None:
        entry.record = edited
        book.note_deadline(entry)
        book.is_woken = True
        if not book.settle(entry, at, out):
            book.save_task(entry, edited.state, out)
        return
    edited = msgspec.structs.replace(edited, version=edited.version + 1, changed_by=book.settings.manager)
    out.changes.append(PutTask(edited, edited.state))
    out.commands.append(Announce("task", record.id))


def _record(book: Book, task: str, stored: LoadedTask | None) -> TaskRecord:
    entry = book.tasks.get(task)
    if entry is not None:
        return entry.record
    if stored is None or stored.record.id != task or is_open(stored.record.state):
        raise TaskNotFound(task)
    return stored.record


def _entry(book: Book, event: TaskCommanded, now: float) -> TaskEntry:
    """Return the task's entry; one that is closed is taken in again."""
    entry = book.tasks.get(event.task)
    if entry is None:
        assert event.stored is not None, "_record has seen it"
        entry = TaskEntry.restore(event.stored, book.settings.manager, now)
        book.put_entry(entry, now)
    return entry


def _pause_or_resume(book: Book, entry: TaskEntry, after: str, out: Out) -> None:
    was = entry.record.state
    is_untouched = after == "running" and not entry.leased and not entry.record.done and not entry.record.failed
    entry.record.state = "queued" if is_untouched else after
    book.tell_holders(entry, out, after)
    book.is_woken = True
    book.fresh.add(entry.id)
    book.save_task(entry, was, out)


def _stretches(book: Book, event: TaskCommanded) -> list[StretchRecord]:
    """Return what is known of a task's stretches."""
    entry = book.tasks.get(event.task)
    if entry is not None:
        return entry.stretches.all
    return [] if event.stored is None else event.stored.stretches


def _retry(book: Book, entry: TaskEntry, noted: tuple[int, list[PartRetry]], after: str, at: float, out: Out) -> None:
    """Open failed payloads again, those of own stretches now; other managers see ``retries`` and open theirs.

    A failed task may have none left, when results came after all from another manager: then it just goes on.
    """
    record, was = entry.record, entry.record.state
    record.retries, record.part_retries = noted
    record.state, record.finished_at = after, None
    retrying.catch_up(book, entry, out)
    book.save_task(entry, was, out)
    book.settle(entry, at, out)


def _delete(book: Book, record: TaskRecord, out: Out) -> None:
    entry = book.tasks.get(record.id)
    if entry is not None:
        book.tell_holders(entry, out, "cancelled")
        book.forget(entry)
    out.changes.append(DeleteTask(record.id))
    out.commands.append(Announce("task-deleted", record.id))


def _edited(record: TaskRecord, changes: dict[str, object]) -> Editable:
    """Return what can be changed with the changes in it, checked."""
    flat = {key: value for key, value in changes.items() if key != "policy"}
    nested = changes.get("policy", {})
    if not isinstance(nested, dict):
        raise InvalidDocument([FieldProblem("policy", "must be an object")])
    policy = nested | {key: flat.pop(key) for key in EDITABLE_POLICY & flat.keys()}
    problems = [FieldProblem(str(key), "cannot be changed") for key in flat.keys() - set(EDITABLE)]
    problems += [FieldProblem(f"policy.{key}", "cannot be changed") for key in policy.keys() - EDITABLE_POLICY]
    if problems:
        raise InvalidDocument(sorted(problems))
    whole = {name: msgspec.to_builtins(getattr(record, name)) for name in EDITABLE}
    try:
        edit = msgspec.convert(whole | flat | {"policy": whole["policy"] | policy}, Editable)
    except msgspec.ValidationError as error:
        raise InvalidDocument([problem_of(error, Editable)]) from error
    problems = [each for each in problems_of(edit) if _names(each, flat, policy)]
    if problems:
        raise InvalidDocument(problems)
    return edit


def _names(problem: FieldProblem, flat: dict[str, object], policy: dict[str, object]) -> bool:
    """Tell whether a problem is of what is changed: a task may have been made before a limit was."""
    first, _, rest = problem.path.partition(".")
    return first in flat or (first == "policy" and rest.partition(".")[0] in policy)
