"""Calls about the cluster and the manager itself.

Rule: see ``operations``.
"""

from disio_manager.api import answers, clients, describing, fleet, health, problem_page
from disio_manager.api.operation import EVENTS, HTML, IF_NONE_MATCH, TEXT, UNCHANGED, Answer, Operation
from disio_manager.api.problems import PROBLEMS_PATH

FLEET: tuple[Operation, ...] = (
    Operation(
        "list_distributors",
        "GET",
        "/api/distributors",
        fleet.list_distributors,
        "fleet",
        "Every distributor ever seen",
        {200: Answer("The distributors", answers.DistributorList), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "list_clients",
        "GET",
        "/api/clients",
        clients.list_clients,
        "fleet",
        "List connected clients, by distributor",
        {200: Answer("One page", answers.ClientList)},
        problems=(404,),
        query=clients.ClientsQuery,
    ),
    Operation(
        "list_managers",
        "GET",
        "/api/managers",
        fleet.list_managers,
        "fleet",
        "The managers of the cluster, the one that answers first",
        {200: Answer("The managers", answers.ManagerList), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "get_stats",
        "GET",
        "/api/stats",
        fleet.get_stats,
        "fleet",
        "The cluster in a few numbers",
        {200: Answer("The numbers", answers.Stats), 304: UNCHANGED},
        headers=IF_NONE_MATCH,
    ),
    Operation(
        "get_events",
        "GET",
        "/api/events",
        fleet.get_events,
        "fleet",
        "What changes, as server-sent events, at most once a second each",
        {
            200: Answer(
                "Events `task`, `task-deleted`, `fleet`, `stats`, `results` and `reset`, their data in JSON",
                media=(EVENTS,),
            )
        },
        problems=(422,),
        query=fleet.EventsQuery,
        headers={"Last-Event-ID": "The id heard last: what was missed comes first, or `reset` and how things stand"},
    ),
    Operation(
        "get_me", "GET", "/api/me", fleet.get_me, "fleet", "Who asks, and of whom", {200: Answer("You", answers.Me)}
    ),
    Operation(
        "get_link",
        "GET",
        "/api/link",
        fleet.get_link,
        "fleet",
        "How distributors reach the manager",
        {200: Answer("Port and key", answers.Link)},
        is_open=True,
    ),
    Operation(
        "healthz",
        "GET",
        "/healthz",
        health.healthz,
        "health",
        "The process serves",
        {200: Answer("It does", answers.Health)},
        is_open=True,
    ),
    Operation(
        "readyz",
        "GET",
        "/readyz",
        health.readyz,
        "health",
        "The manager can save",
        {200: Answer("It can", answers.Health)},
        is_open=True,
    ),
    Operation(
        "metrics",
        "GET",
        "/metrics",
        health.metrics,
        "health",
        "Numbers for Prometheus; open to this machine itself",
        {200: Answer("Prometheus text", media=(TEXT,))},
        is_local=True,
    ),
    Operation(
        "get_openapi",
        "GET",
        "/api/openapi.json",
        describing.get_openapi,
        "about",
        "This interface as an OpenAPI 3.1 document",
        {200: Answer("The document", dict)},
        is_open=True,
    ),
    Operation(
        "get_problems",
        "GET",
        PROBLEMS_PATH,
        problem_page.get_problems,
        "about",
        "What the codes of problems mean, as a page for people",
        {200: Answer("The page", media=(HTML,))},
        is_open=True,
    ),
    Operation(
        "get_docs",
        "GET",
        "/api/docs",
        describing.get_docs,
        "about",
        "This interface as a page for people",
        {200: Answer("The page", media=(HTML,))},
        is_open=True,
    ),
)
