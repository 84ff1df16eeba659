"""A web server for one browser of this machine: the trial page, the compute page as distributors serve it, and work.

Rule: loopback alone, and work and answers pass only with the token that the browser was started with.
"""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

import disio_client
from disio.trial.trials import TASK, Outcome, Trial, TrialFailed
from disio_distributor.web import STATIC, Pages

TRIAL_STATIC = Path(disio_client.__file__).parent / "static" / "trial"
KIT_PATH = "/trial/kit"
MAX_ANSWER_BYTES = 64 << 20
SHUTDOWN_S = 1.0
NOT_BUILT = TrialFailed("the pages for browsers are not built", "run: make web")


class _Result(msgspec.Struct):
    """One unit's part of the page's answer."""

    kind: str
    value: bytes | None = None
    error: str = ""
    seconds: float | None = None
    logs: list[str] = []
    progress: list[float] = []
    states: list[bytes] = []


class _Answer(msgspec.Struct):
    """What the page posts."""

    results: list[_Result]
    engine: str
    problem: str = ""


class TrialServer:
    """Hands trials to the trial page, one at a time.

    Args:
        kit: Files that the units' language needs, by name.
    """

    def __init__(self, kit: Mapping[str, Path] | None = None) -> None:
        self._kit = dict(kit or {})
        self.requests: list[str] = []
        """Paths that were asked for."""
        self.engine = ""
        """What the browser calls itself."""
        self.url = ""
        self._token = secrets.token_urlsafe(16)
        self._pages = (Pages(TRIAL_STATIC), Pages(STATIC))
        self._work: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._answers: asyncio.Queue[_Answer] = asyncio.Queue(1)
        self.met = asyncio.Event()
        """Set when the page has come for work."""

    @property
    def page_url(self) -> str:
        """What the browser opens."""
        return f"{self.url}/trial#{self._token}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["TrialServer"]:
        """Serve on a free port of loopback.

        Raises:
            TrialFailed: The pages are not built.
        """
        if self._find("/trial") is None or self._find("/embed/compute") is None:
            raise NOT_BUILT
        app = web.Application(client_max_size=MAX_ANSWER_BYTES, middlewares=[self._note])
        app.router.add_get("/trial/work", self._give)
        app.router.add_post("/trial/answer", self._take)
        app.router.add_get(f"{KIT_PATH}/{{name}}", self._kit_file)
        app.router.add_get("/{path:.*}", self._page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    @property
    def kit_urls(self) -> dict[str, str] | None:
        """Where the page finds the files of the language; None when there are none."""
        return {name: f"{KIT_PATH}/{name}" for name in self._kit} or None

    async def run(self, trial: Trial) -> Outcome:
        """Have the page run this; it may take for ever when the browser dies.

        Raises:
            TrialFailed: The browser could not run any unit.
        """
        await self._work.put(msgspec.json.encode(spec_of(trial, self.kit_urls)))
        answer = await self._answers.get()
        self.engine = answer.engine
        if not answer.results:
            raise TrialFailed(answer.problem or "the browser answered nothing")
        result = answer.results[0]
        return Outcome(**{name: getattr(result, name) for name in _Result.__struct_fields__})

    def _find(self, path: str) -> tuple[Path, Any] | None:
        try:
            return next((found for pages in self._pages if (found := pages.find(path)) is not None), None)
        except (OSError, msgspec.DecodeError):
            raise NOT_BUILT from None

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request.path)
        response: web.StreamResponse = await handler(request)
        return response

    def _check(self, request: web.Request) -> None:
        if not secrets.compare_digest(request.query.get("token", ""), self._token):
            raise web.HTTPForbidden

    async def _give(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        self.met.set()
        return web.Response(body=await self._work.get(), content_type="application/json")

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        try:
            answer = msgspec.json.decode(await request.read(), type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await self._answers.put(answer)
        return web.Response()

    async def _kit_file(self, request: web.Request) -> web.StreamResponse:
        file = self._kit.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return web.FileResponse(file)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        found = self._find(request.path)
        if found is None:
            raise web.HTTPNotFound
        file, route = found
        return web.FileResponse(file, headers={**route.headers, "Content-Type": route.content_type})


def spec_of(trial: Trial, kit: dict[str, str] | None) -> dict[str, Any]:
    """Return what `disioTrial.run` of the trial page takes.

    Args:
        trial: What to run.
        kit: Files that the language needs, name to URL.
    """
    states = {} if trial.state is None else {trial.index: _base64(trial.state)}
    return {
        "language": trial.language,
        "code": _base64(trial.code),
        "kit": kit,
        "task": TASK,
        "indexes": [trial.index],
        "payloads": [_base64(trial.payload)],
        "states": states,
        "unit_timeout_s": trial.unit_timeout_s,
        "memory_mb": trial.memory_mb,
        "terms": trial.terms,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
