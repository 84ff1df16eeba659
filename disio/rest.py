"""The manager's REST interface, as a client sees it.

Rule: every answer that is not a success becomes a typed error; a manager that is away becomes ManagerUnreachable.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from disio_shared.errors import DisioError, ManagerUnreachable

TIMEOUT_S = 30.0
MAX_RESULT_LINE = 32 << 20


class RestProblem(DisioError):
    """The manager refused a request."""

    code = "rest"

    def __init__(self, status: int, detail: str, errors: list[dict[str, str]]) -> None:
        self.status, self.detail, self.errors = status, detail, errors
        places = "; ".join(f"{e.get('path', '')}: {e.get('message', '')}" for e in errors)
        super().__init__(f"{detail} ({places})" if places else detail)


class ManagerClient:
    """Calls to one manager. Use as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http: aiohttp.ClientSession | None = None

    @classmethod
    def from_files(cls, url: str, token_file: Path) -> "ManagerClient":
        """Make a client with the token that lies in a file."""
        return cls(url, token_file.read_text(encoding="utf-8").strip())

    async def __aenter__(self) -> "ManagerClient":
        timeout = aiohttp.ClientTimeout(total=None, connect=TIMEOUT_S, sock_read=TIMEOUT_S)
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=timeout, read_bufsize=1 << 20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._http is not None
        await self._http.close()

    async def create_task(self, document: dict[str, Any], idempotency_key: str = "") -> dict[str, Any]:
        """Create a task; return its JSON.

        Raises:
            RestProblem: The document is wrong.
            ManagerUnreachable: No answer.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._json("POST", "/api/tasks", document, headers)

    async def task(self, task: str) -> dict[str, Any]:
        """Return a task's JSON."""
        return await self._json("GET", f"/api/tasks/{task}")

    async def explain(self, task: str) -> dict[str, Any]:
        """Return why a task is (not) progressing."""
        return await self._json("GET", f"/api/tasks/{quote(task, safe='')}/explain")

    async def payload(self, task: str, index: int) -> dict[str, Any]:
        """Return one payload's story."""
        return await self._json("GET", f"/api/tasks/{quote(task, safe='')}/payloads/{index}")

    async def managers(self) -> list[dict[str, Any]]:
        """Return the managers of the cluster, the one asked first."""
        answer = await self._json("GET", "/api/managers")
        return list(answer["items"])

    async def distributors(self) -> list[dict[str, Any]]:
        """Return the distributors."""
        answer = await self._json("GET", "/api/distributors")
        return list(answer["items"])

    async def verb(self, task: str, verb: str) -> dict[str, Any]:
        """Pause, resume, cancel or retry a task."""
        return await self._json("POST", f"/api/tasks/{task}/{verb}")

    async def stats(self) -> dict[str, Any]:
        """Return the cluster's numbers."""
        return await self._json("GET", "/api/stats")

    async def failures(self, task: str, start: int = 0) -> list[dict[str, Any]]:
        """Return quarantined payloads with their error texts, in index order."""
        answer = await self._json("GET", f"/api/tasks/{task}/failures?from={start}")
        return list(answer["items"])

    async def results(self, task: str, start: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Yield canonical results in index order."""
        assert self._http is not None
        url = f"{self.url}/api/tasks/{task}/results?format=ndjson&from={start}"
        try:
            async with self._http.get(url) as answer:
                await self._check(answer)
                async for line in answer.content:
                    yield msgspec.json.decode(line, type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def _json(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        assert self._http is not None
        # A file object: aiohttp warns about large bytes bodies.
        data = None if body is None else io.BytesIO(msgspec.json.encode(body))
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if data is not None else {})}
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._http.request(method, self.url + path, data=data, headers=sent) as answer,
            ):
                await self._check(answer)
                return msgspec.json.decode(await answer.read(), type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status < 400:
            return
        try:
            problem = msgspec.json.decode(await answer.read(), type=dict[str, Any])
        except msgspec.DecodeError:
            problem = {}
        if answer.status == 503:
            raise ManagerUnreachable(self.url, str(problem.get("detail", "it is not ready")))
        raise RestProblem(answer.status, str(problem.get("detail", answer.reason)), problem.get("errors", []))


def _reason(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
