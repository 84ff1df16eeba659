"""Calls for those who watch.

Rule: see ``operations``.
"""

from disio_manager.api import attention, history
from disio_manager.api.operation import IF_NONE_MATCH, UNCHANGED, Answer, Operation

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
)
