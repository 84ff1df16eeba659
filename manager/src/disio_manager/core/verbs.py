"""What people may do to a task: create, edit, pause, resume, cancel, retry, delete.

Rule: a verb is checked completely before anything changes.
"""

import msgspec

from disio_manager.core.book import Book, Out
from disio_manager.core.changes import DeleteTask, DropBlock, DropFailures, PutBlock, PutStretch, PutTask
from disio_manager.core.commands import Announce
from disio_manager.core.events import TaskCommanded, TaskCreated, TaskEdited
from disio_manager.core.lifecycle import is_open, next_state
from disio_manager.core.records import LoadedTask, StretchRecord, TaskRecord
from disio_manager.core.splitting import failed_in, retry_spans
from disio_manager.core.tasks import Block, TaskEntry
from disio_shared.errors import FieldProblem, IllegalVerb, InvalidDocument, TaskNotFound
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import Policy, problems_of
from disio_shared.wording import problem_of

EDITABLE_POLICY = frozenset({"priority", "weight", "max_distributors", "max_task_failures", "deadline"})


class _Edit(msgspec.Struct, kw_only=True):
    name: str
    tags: list[str]
    policy: Policy


def on_created(book: Book, event: TaskCreated, now: float, out: Out) -> None:
    """Take a new task in; a repeat changes nothing."""
    if event.record.id in book.tasks:
        return
    me = book.settings.manager
    entry = TaskEntry(msgspec.structs.replace(event.record), event.spec, me, now)
    if not book.settings.is_shared:
        entry.stretches.learn([StretchRecord(task=entry.id, start=0, stop=entry.record.total, owner=me, frontier=0)])
    book.put_entry(entry, now)
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
        _retry(book, _entry(book, event, now), record.state, after, event.at, out)
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
    edited = msgspec.structs.replace(record, name=edit.name, tags=edit.tags, policy=edit.policy)
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


def _retry(book: Book, entry: TaskEntry, was: str, after: str, at: float, out: Out) -> None:
    """Open failed payloads again, those of own stretches now; other managers see ``retries`` and open theirs.

    A failed task may have none left, when results came after all from another manager: then it just goes on.
    """
    record = entry.record
    record.retries += 1
    record.state, record.finished_at = after, None
    catch_up(book, entry, out)
    book.save_task(entry, was, out)
    book.settle(entry, at, out)


def catch_up(book: Book, entry: TaskEntry, out: Out) -> None:
    """Do what was left undone: drop spent blocks, open failed payloads again as often as the owner asked for it."""
    out.changes += [DropBlock(block, entry.id) for block in entry.spent]
    entry.spent.clear()
    for stretch in entry.stretches.behind(entry.record.retries):
        _reopen(book, entry, stretch, out)
    out.changes += entry.progress()
    book.is_woken = True
    book.fresh.add(entry.id)


def _reopen(book: Book, entry: TaskEntry, stretch: StretchRecord, out: Out) -> None:
    """Make blocks of a stretch's failed payloads: their rows first, the failures last, so that a crash loses none."""
    record = entry.record
    failed = failed_in(entry, stretch)
    inside, spans = retry_spans(entry, stretch, book.settings)
    for run in inside:
        holding = entry.block_at(run[0])
        assert holding is not None, "retry_spans found it"
        entry.reopen(holding, [run])
    for start, stop in spans:
        # The name cannot come twice: no two blocks of one retry begin at the same index.
        name = f"{record.id}-r{record.retries}-{start}"
        block = Block(name, record.id, start, stop, RangeSet(entry.failed.remove(start, stop)))
        book.add_block(entry, block)
        out.changes.append(PutBlock(block.record()))
    book.tries.forget(entry.id, failed)
    entry.failed.remove_all(failed)
    entry.record.failed -= sum(stop - start for start, stop in failed)
    entry.stretches.retried(stretch, record.retries)
    if failed:
        out.changes.append(DropFailures(record.id, failed))


def _delete(book: Book, record: TaskRecord, out: Out) -> None:
    entry = book.tasks.get(record.id)
    if entry is not None:
        book.tell_holders(entry, out, "cancelled")
        book.forget(entry)
    out.changes.append(DeleteTask(record.id))
    out.commands.append(Announce("task-deleted", record.id))


def _edited(record: TaskRecord, changes: dict[str, object]) -> _Edit:
    """Return name, tags and policy with the changes in them, checked."""
    flat = {key: value for key, value in changes.items() if key != "policy"}
    nested = changes.get("policy", {})
    if not isinstance(nested, dict):
        raise InvalidDocument([FieldProblem("policy", "must be an object")])
    policy = nested | {key: flat.pop(key) for key in EDITABLE_POLICY & flat.keys()}
    problems = [FieldProblem(str(key), "cannot be changed") for key in flat.keys() - {"name", "tags"}]
    problems += [FieldProblem(f"policy.{key}", "cannot be changed") for key in policy.keys() - EDITABLE_POLICY]
    if problems:
        raise InvalidDocument(sorted(problems))
    whole = {"name": record.name, "tags": record.tags, "policy": msgspec.to_builtins(record.policy) | policy} | flat
    try:
        edit = msgspec.convert(whole, _Edit)
    except msgspec.ValidationError as error:
        raise InvalidDocument([problem_of(error, _Edit)]) from error
    problems = [each for each in problems_of(edit.name, edit.tags, edit.policy) if _names(each, flat, policy)]
    if problems:
        raise InvalidDocument(problems)
    return edit


def _names(problem: FieldProblem, flat: dict[str, object], policy: dict[str, object]) -> bool:
    """Tell whether a problem is of what is changed: a task may have been made before a limit was."""
    return problem.path in flat or problem.path.removeprefix("policy.") in policy
