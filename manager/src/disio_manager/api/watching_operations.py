"""Calls for those who watch.

Rule: see ``operations``.
"""

from disio_manager.api import attention, bulk, failure_groups, history, status_page
from disio_manager.api.operation import HTML, IF_NONE_MATCH, UNCHANGED, Answer, JsonBody, Operation

WATCHING: tuple[Operation, ...] = (
    Operation(
        "get_history",
        "GET",
        "/api/history",
        history.get_history,
        "watching",
        "How things went: results, clients, slots and queue over time",
        {200: Answer("Points as columns", history.History), 304: UNCHANGED},
        query=history.HistoryQuery,
        headers=IF_NONE_MATCH,
        role="viewer",
    ),
    Operation(
        "get_task_history",
        "GET",
        "/api/tasks/{id}/history",
        history.get_task_history,
        "watching",
        "How a task went: results and queue over time",
        {200: Answer("Points as columns", history.History), 304: UNCHANGED},
        query=history.HistoryQuery,
        headers=IF_NONE_MATCH,
        role="viewer",
    ),
    Operation(
        "get_attention",
        "GET",
        "/api/attention",
        attention.get_attention,
        "watching",
        "What a person should look at, with what to do about it",
        {200: Answer("The worst first", attention.Attention), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
        role="viewer",
    ),
    Operation(
        "get_failure_groups",
        "GET",
        "/api/tasks/{id}/failures/groups",
        failure_groups.get_failure_groups,
        "results",
        "The failures of a task by what they say",
        {200: Answer("Groups, the largest first", failure_groups.FailureGroups), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
        role="viewer",
    ),
    Operation(
        "get_status_page",
        "GET",
        "/status",
        status_page.get_status_page,
        "public",
        "The web page of what is computed here, where the operator wants one",
        {200: Answer("The page", media=(HTML,))},
        problems=(404,),
        is_open=True,
    ),
    Operation(
        "use_bulk",
        "POST",
        "/api/bulk",
        bulk.use_bulk,
        "tasks",
        "Pause, resume, cancel, retry or delete all tasks that fit a filter, or tell how many do",
        {
            200: Answer("A dry run: how many fit", bulk.BulkJob),
            202: Answer("It is begun; GET /api/bulk/{id} tells how far it is", bulk.BulkJob),
        },
        body=JsonBody(bulk.Bulk, bulk.Bulk, "The verb, and the tasks that are meant"),
        role="researcher",
    ),
    Operation(
        "get_bulk",
        "GET",
        "/api/bulk/{id}",
        bulk.get_bulk,
        "tasks",
        "How far a bulk action is, until the manager stops",
        {200: Answer("How many are done, which were refused, and why", bulk.BulkJob)},
        role="viewer",
    ),
)
