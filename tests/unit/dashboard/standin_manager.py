"""A stand-in for the manager: the documented REST shapes over a dict, for tests of the dashboard alone.

Rule: it checks task documents with the real ``parse_task``, so field errors are the ones users get; what a real manager
decides (states, results) tests set by hand.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from disio_shared.errors import InvalidDocument
from disio_shared.ids import fresh_id
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import count, payloads_at
from disio_shared.taskdoc import ParsedTask, parse_task
from disio_shared.values import decode_value

TOKEN = "stand-in-token"
OPEN = ("/api/login", "/api/link")
CREATED_AT = 1_700_000_000.0


class StandinManager:
    """One listening stand-in; ``url`` is known after ``start``."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.code: dict[str, bytes] = {}
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.failures: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[web.Request] = []
        self.cluster = ""
        """What it says it is of."""
        self.people: dict[str, str] = {}
        """Name to password; all are researchers."""
        self.secrets: dict[str, str] = {}
        """Of sessions, to the name."""
        self.answer_headers: dict[str, str] = {}
        """Of ``/api/echo``."""
        self.distributors: list[dict[str, Any]] = []
        self.managers: list[dict[str, Any]] = []
        self.stories: dict[tuple[str, int], dict[str, Any]] = {}
        self.sentences: dict[str, list[str]] = {}
        self.problems: list[dict[str, Any]] = []
        """Of every code that is checked."""
        self._streams: set[asyncio.Queue[bytes]] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application(middlewares=[self._check_token])
        app.add_routes(
            [
                web.get("/api/me", self._me),
                web.get("/api/link", self._link),
                web.post("/api/login", self._login),
                web.post("/api/logout", self._logout),
                web.get("/api/tasks", self._list),
                web.post("/api/tasks", self._create),
                web.get("/api/tasks/{id}", self._show),
                web.delete("/api/tasks/{id}", self._delete),
                web.post("/api/tasks/{id}/{verb:pause|resume|cancel}", self._verb),
                web.get("/api/tasks/{id}/results", self._results),
                web.get("/api/tasks/{id}/failures", self._failures),
                web.get("/api/tasks/{id}/payloads/{index}", self._payload),
                web.get("/api/tasks/{id}/explain", self._explain),
                web.get("/api/history", self._history),
                web.get("/api/tasks/{id}/history", self._history),
                web.get("/api/managers", self._managers),
                web.get("/api/distributors", self._distributors),
                web.post("/api/payloads/preview", self._preview),
                web.post("/api/code-checks", self._check),
                web.put("/api/workunits/{sha256}", self._put_workunit),
                web.get("/api/workunits/{sha256}", self._workunit),
                web.get("/api/events", self._events),
                web.route("*", "/api/echo", self._echo),
                web.get("/api/broken", self._broken),
                web.get("/api/page", self._page),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; the port is kept for the next ``start``."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def streams(self) -> int:
        return len(self._streams)

    def publish(self, event: str, data: object) -> None:
        for stream in self._streams:
            stream.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def change(self, task_id: str, **changes: object) -> None:
        self.tasks[task_id].update(changes)
        self.publish("task", _brief(self.tasks[task_id]))

    @web.middleware
    async def _check_token(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request)
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if secret != TOKEN and secret not in self.secrets and request.path not in OPEN:
            return _problem(401, "not-authorized", "no valid token")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _link(self, _request: web.Request) -> web.Response:
        return web.json_response({"cluster": self.cluster})

    async def _me(self, _request: web.Request) -> web.Response:
        return web.json_response({"role": "admin"})

    async def _login(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given["password"] == "wait":
            return _problem(429, "too-many-tries", "wait")
        if self.people.get(given["name"], None) != given["password"]:
            return _problem(401, "wrong-password", "name or password is wrong")
        secret = f"secret-{len(self.secrets)}"
        self.secrets[secret] = given["name"]
        return web.json_response({"secret": secret, "name": given["name"], "role": "researcher"})

    async def _logout(self, request: web.Request) -> web.Response:
        self.secrets.pop(request.headers["Authorization"].removeprefix("Bearer "), None)
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        states = {state for state in request.query.get("state", "").split(",") if state}
        newest_first = [task for task in reversed(self.tasks.values()) if not states or task["state"] in states]
        start, limit = int(request.query.get("cursor") or 0), int(request.query.get("limit", 50))
        page = [_brief(task) for task in newest_first[start : start + limit]]
        cursor = str(start + limit) if start + limit < len(newest_first) else None
        return web.json_response({"items": page, "next_cursor": cursor, "total": len(newest_first)})

    async def _create(self, request: web.Request) -> web.Response:
        try:
            parsed = parse_task(await request.read())
        except InvalidDocument as error:
            return _problem(422, error.code, str(error), [p._asdict() for p in error.problems])
        return web.json_response(self.add(parsed), status=201)

    def add(self, parsed: ParsedTask) -> dict[str, Any]:
        task_id = fresh_id()
        code = self.code.setdefault(parsed.workunit, parsed.code or b"")
        task = {
            "id": task_id,
            "number": len(self.tasks) + 1,
            "name": parsed.document.name,
            "tags": parsed.document.tags,
            "workunit": {
                "language": parsed.document.workunit.language,
                "sha256": parsed.workunit,
                "bytes": len(code),
                "runtime": parsed.document.workunit.runtime,
                "output": parsed.document.workunit.output,
                "clock": parsed.document.workunit.clock,
            },
            "payloads": parsed.document.payloads,
            "policy": {"priority": parsed.document.policy.priority},
            "state": "queued",
            "total": parsed.total,
            "done": 0,
            "failed": 0,
            "leased": 0,
            "lost": 0,
            "tries_failed": 0,
            "copies": 0,
            "invalid": 0,
            "created_at": CREATED_AT,
            "finished_at": None,
            "rate": 0.0,
            "eta_s": None,
        }
        self.tasks[task_id] = task
        self.publish("task", _brief(task))
        return task

    async def _show(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        return web.json_response(task) if task else _problem(404, "not-found", "no task")

    async def _delete(self, request: web.Request) -> web.Response:
        self.tasks.pop(request.match_info["id"])
        self.publish("task-deleted", {"id": request.match_info["id"]})
        return web.Response(status=204)

    async def _verb(self, request: web.Request) -> web.Response:
        state = {"pause": "paused", "resume": "running", "cancel": "cancelled"}[request.match_info["verb"]]
        self.change(request.match_info["id"], state=state)
        return web.json_response(self.tasks[request.match_info["id"]])

    async def _results(self, request: web.Request) -> web.Response:
        first, limit = int(request.query.get("from", 0)), int(request.query.get("limit", 1_000_000))
        rows = [row for row in self.results.get(request.match_info["id"], []) if row["i"] >= first][:limit]
        if request.query.get("order") == "finished" and request.query.get("cursor"):
            rows = []
        text = "".join(json.dumps(row) + "\n" for row in rows)
        headers = {"X-Cursor": "end", "X-Task-State": "done"}
        return web.Response(text=text, content_type="application/x-ndjson", headers=headers)

    async def _failures(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.failures.get(request.match_info["id"], [])})

    async def _payload(self, request: web.Request) -> web.Response:
        story = self.stories.get((request.match_info["id"], int(request.match_info["index"])))
        return web.json_response(story) if story else _problem(404, "not-found", "the task has no such payload")

    async def _explain(self, request: web.Request) -> web.Response:
        task = self.tasks[request.match_info["id"]]
        sentences = self.sentences.get(task["id"], [])
        return web.json_response({"id": task["id"], "state": task["state"], "sentences": sentences})

    async def _history(self, _request: web.Request) -> web.Response:
        """Answer as a manager does that has just begun: nobody looked yet."""
        columns = ("ok", "failed", "tries_failed", "lost", "copies", "invalid", "slots", "queue", "seconds")
        told: dict[str, Any] = {name: [None] * 360 for name in columns}
        clients = {kind: [None] * 360 for kind in ("cli", "other", "web")}
        return web.json_response(
            {
                **told,
                "task": "",
                "since": CREATED_AT,
                "step": 10,
                "clients": clients,
                "left_out": 0,
                "is_left_out": False,
            }
        )

    async def _distributors(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.distributors})

    async def _managers(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.managers})

    async def _workunit(self, request: web.Request) -> web.Response:
        return web.Response(body=self.code[request.match_info["sha256"]], content_type="text/javascript")

    async def _put_workunit(self, request: web.Request) -> web.Response:
        self.code[request.match_info["sha256"]] = await request.read()
        return web.json_response({}, status=201)

    async def _check(self, _request: web.Request) -> web.Response:
        return web.json_response({"is_checked": True, "problems": self.problems})

    async def _preview(self, request: web.Request) -> web.Response:
        try:
            spec = parse_spec(await request.json())
        except InvalidDocument as error:
            return _problem(
                422, "invalid", str(error), [{"path": p.path, "message": p.message} for p in error.problems]
            )
        total = count(spec)
        first = [decode_value(each) for each in payloads_at(spec, range(min(20, total)))]
        last = [decode_value(each) for each in payloads_at(spec, range(max(0, total - 3), total))]
        return web.json_response({"count": total, "first": first, "last": last})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stream: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.add(stream)
        self.publish("fleet", {"items": self.distributors})
        slots = sum(distributor["slots"] for distributor in self.distributors)
        clients = sum(distributor["clients"] for distributor in self.distributors)
        stats = {"rate": 0.0, "clients": clients, "slots": slots, "distributors": len(self.distributors), "tasks": {}}
        self.publish("stats", stats)
        try:
            while True:
                await response.write(await stream.get())
        finally:
            self._streams.discard(stream)

    async def _echo(self, request: web.Request) -> web.Response:
        told = {"body": (await request.read()).decode(), "headers": dict(request.headers)}
        return web.json_response(told, headers=self.answer_headers)

    async def _broken(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b'{"i":0}\n')
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text="<script>alert(1)</script>", content_type="text/html")


def _brief(task: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in task.items() if key not in ("payloads", "invalid")}


def _problem(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    return web.Response(
        status=status,
        text=json.dumps({**body, "errors": errors or []}),
        content_type="application/problem+json",
    )


@asynccontextmanager
async def standin_manager() -> AsyncIterator[StandinManager]:
    """Run a stand-in for one test."""
    manager = StandinManager()
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop()
