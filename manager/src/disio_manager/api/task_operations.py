"""Calls about tasks.

Rule: see ``operations``.
"""

from typing import Any

from disio_manager.api import (
    aggregated,
    answers,
    creating,
    documents,
    growing,
    provenance,
    public_page,
    retrying,
    tasks,
)
from disio_manager.api.operation import HTML, IF_NONE_MATCH, JSON, UNCHANGED, Answer, JsonBody, Operation, OwnBody
from disio_manager.api.provenance_shapes import Provenance
from disio_shared.taskdoc import Editable, TaskDocument

TASK = {200: Answer("The task as it is then", answers.Task)}
KEY = {
    "Idempotency-Key": "Up to 255 printable ASCII characters. The same key with the same document finds the task that "
    "it made, for 7 days after its last use"
}
TASKS: tuple[Operation, ...] = (
    Operation(
        "create_task",
        "POST",
        "/api/tasks",
        creating.create_task,
        "tasks",
        "Create a task",
        {201: Answer("The task; or, with a key that came before, the task that it made", answers.Task)},
        problems=(409,),
        body=OwnBody("The task document, 64 MiB at most", TaskDocument),
        headers=KEY,
    ),
    Operation(
        "list_tasks",
        "GET",
        "/api/tasks",
        tasks.list_tasks,
        "tasks",
        "List tasks, newest first",
        {200: Answer("One page", answers.TaskList), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
        query=tasks.TaskQuery,
    ),
    Operation(
        "get_task",
        "GET",
        "/api/tasks/{id}",
        tasks.get_task,
        "tasks",
        "Show a task",
        {200: Answer("The task", answers.Task), 304: UNCHANGED},
        query=tasks.ShownQuery,
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "edit_task",
        "PATCH",
        "/api/tasks/{id}",
        tasks.edit_task,
        "tasks",
        "Change what can be changed of a task: give those fields alone",
        TASK,
        problems=(409, 412),
        body=JsonBody(
            dict[str, Any], Editable, "The fields and their new values", (JSON, "application/merge-patch+json")
        ),
        headers={"If-Match": "The version it is to be in, or an ETag of it: else nothing is changed"},
    ),
    Operation(
        "delete_task",
        "DELETE",
        "/api/tasks/{id}",
        tasks.delete_task,
        "tasks",
        "Delete a task with its results",
        {204: Answer("It is gone", media=())},
        problems=(409,),
    ),
    *(
        Operation(
            f"{verb}_task",
            "POST",
            f"/api/tasks/{{id}}/{verb}",
            tasks.verb_handler(verb),
            "tasks",
            summary,
            TASK,
            problems=(409,),
        )
        for verb, summary in (
            ("pause", "Hand out nothing more of a task for now"),
            ("resume", "Go on with a paused task"),
            ("cancel", "End a task; what came of it stays"),
        )
    ),
    Operation(
        "retry_task",
        "POST",
        "/api/tasks/{id}/retry",
        retrying.retry_task,
        "tasks",
        "Queue the failed payloads of a task again, or some of them",
        TASK,
        problems=(409,),
        body=OwnBody("Which of them; no body: all", retrying.Retry, is_optional=True),
    ),
    Operation(
        "append_payloads",
        "POST",
        "/api/tasks/{id}/payloads",
        growing.append_payloads,
        "payloads",
        "Give a growing task the payloads that come next; a repeat changes nothing",
        {200: Answer("They are kept", answers.Grown)},
        problems=(409,),
        body=OwnBody("Where they begin, and the payloads, 8 MiB at most", growing.More),
    ),
    Operation(
        "close_task",
        "POST",
        "/api/tasks/{id}/close",
        growing.close_task,
        "payloads",
        "Tell a growing task that no more payloads come",
        TASK,
        problems=(409,),
    ),
    Operation(
        "clone_task",
        "POST",
        "/api/tasks/{id}/clone",
        creating.clone_task,
        "tasks",
        "Create a task with the same document, or with changes to it",
        {201: Answer("The new task; or, with a key that came before, the task that it made", answers.Task)},
        problems=(409,),
        body=OwnBody(
            "Changes to the document, as a JSON merge patch; none: it stays as it is",
            dict,
            (JSON, "application/merge-patch+json"),
            is_optional=True,
        ),
        headers=KEY,
    ),
    Operation(
        "get_document",
        "GET",
        "/api/tasks/{id}/document",
        documents.get_document,
        "tasks",
        "The document of a task in canonical form, edits included",
        {
            200: Answer("The document", answers.Document),
            304: UNCHANGED,
        },
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "get_aggregates",
        "GET",
        "/api/tasks/{id}/aggregates",
        aggregated.get_aggregates,
        "tasks",
        "Numbers about the results: count, sum, mean, extremes, histogram, largest and smallest of each numeric field",
        {200: Answer("The numbers", answers.TaskAggregates), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "get_provenance",
        "GET",
        "/api/tasks/{id}/provenance",
        provenance.get_provenance,
        "tasks",
        "Where the results come from: document, code, software, clients and distributors, votes, times",
        {200: Answer("What is known", Provenance)},
    ),
    Operation(
        "explain_task",
        "GET",
        "/api/tasks/{id}/explain",
        tasks.explain_task,
        "tasks",
        "Tell why a task is (not) progressing",
        {200: Answer("Sentences", answers.Explanation)},
    ),
    Operation(
        "get_public_page",
        "GET",
        "/tasks/{id}",
        public_page.get_public_page,
        "public",
        "The web page of a public task",
        {200: Answer("The page", media=(HTML,))},
        is_open=True,
    ),
    Operation(
        "get_public_progress",
        "GET",
        "/tasks/{id}/progress.json",
        public_page.get_public_progress,
        "public",
        "How far a public task is",
        {200: Answer("The numbers", answers.PublicProgress)},
        is_open=True,
    ),
)
