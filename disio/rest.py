"""The manager's REST interface, as a client sees it.

Rule: every answer that is not a success becomes a typed error; a manager that is away becomes ManagerUnreachable.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from disio_shared.errors import DisioError, ManagerUnreachable, NotAuthorized, OversizeMessage

TIMEOUT_S = 30.0
UPLOAD_ANSWER_S = 600.0
"""Seconds that a manager may take to store an upload."""
MAX_RESULT_LINE = 64 << 20
"""Bytes of one result as a line: payload and result in base64, and what is around them."""


AWAY = (502, 503, 504)
"""Statuses of a manager, or of a proxy before it, that may answer later."""
REMEDY = "copy admin.token from the manager, or give --token-file"


class ResultLine(msgspec.Struct):
    """One result, in the manager's own words."""

    i: int
    result: msgspec.Raw
    name: str = ""
    """The input's, if inputs are files."""
    line: bytes = b""
    """All of it: JSON without the line's end."""


class RestProblem(DisioError):
    """The manager refused a request."""

    code = "rest"

    def __init__(self, status: int, detail: str, errors: list[dict[str, str]]) -> None:
        self.status, self.detail, self.errors = status, detail, errors
        places = "; ".join(f"{e.get('path', '')}: {e.get('message', '')}" for e in errors)
        super().__init__(detail if not places or places in detail else f"{detail} ({places})")


class NotAManager(DisioError):
    """Something else answers at a manager's address."""

    code = "not-a-manager"

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"there is no manager at {url}: {problem} (give the manager's own address: --manager)")


class ManagerClient:
    """Calls to one manager. Use as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http: aiohttp.ClientSession | None = None

    @classmethod
    def from_files(cls, url: str, token_file: Path) -> "ManagerClient":
        """Make a client with the token that lies in a file.

        Raises:
            NotAuthorized: The file cannot be read, or holds no token.
        """
        return cls(url, _token_in(token_file))

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

    async def cluster(self) -> str:
        """Return the id of the cluster, which stays when a manager changes its address."""
        return str((await self._json("GET", "/api/link"))["cluster"])

    async def has_blob(self, sha256: str) -> bool:
        """Tell whether inputs were uploaded before."""
        assert self._http is not None
        try:
            async with asyncio.timeout(TIMEOUT_S), self._http.head(f"{self.url}/api/blobs/{sha256}") as answer:
                if answer.status != 404:
                    await self._check(answer)
                return answer.status != 404
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def put_blob(self, sha256: str, pieces: AsyncIterable[bytes], size: int) -> None:
        """Upload inputs.

        Args:
            sha256: Hash of all pieces.
            pieces: The bytes, read as they are sent.
            size: How many there are.

        Raises:
            RestProblem: They are refused.
            ManagerUnreachable: No answer.
        """
        assert self._http is not None
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(size)}
        timeout = aiohttp.ClientTimeout(total=None, connect=TIMEOUT_S, sock_read=UPLOAD_ANSWER_S)
        try:
            url = f"{self.url}/api/blobs/{sha256}"
            async with self._http.put(url, data=pieces, headers=headers, timeout=timeout) as answer:
                await self._check(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def failures(self, task: str, start: int = 0, limit: int = 0) -> list[dict[str, Any]]:
        """Return quarantined payloads with their error texts, in index order; 0 = all of them."""
        answer = await self._json("GET", f"/api/tasks/{task}/failures?from={start}&limit={limit}")
        return list(answer["items"])

    async def results(self, task: str, start: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Yield canonical results in index order."""
        async with aclosing(self._lines(f"/api/tasks/{task}/results?format=ndjson&from={start}")) as lines:
            async for line in lines:
                yield msgspec.json.decode(line, type=dict[str, Any])

    async def result_lines(self, task: str, start: int, limit: int) -> AsyncGenerator[ResultLine, None]:
        """Yield at most ``limit`` canonical results from an index on, their values as the manager wrote them."""
        path = f"/api/tasks/{task}/results?format=ndjson&from={start}&limit={limit}"
        async with aclosing(self._lines(path)) as lines:
            async for line in lines:
                found = msgspec.json.decode(line, type=ResultLine)
                found.line = line
                yield found

    async def _lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer; aiohttp's own reader refuses those over twice its buffer."""
        assert self._http is not None
        held = bytearray()
        try:
            async with self._http.get(self.url + path) as answer:
                await self._check(answer)
                async for part in answer.content.iter_any():
                    *lines, rest = part.split(b"\n")
                    for line in lines:
                        yield bytes(held) + line
                        held.clear()
                    held += rest
                    if len(held) > MAX_RESULT_LINE:
                        raise OversizeMessage(len(held), MAX_RESULT_LINE)
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
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotAManager(self.url, "what it answers is not a manager's") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status < 400:
            return
        body = await answer.read()
        try:
            problem = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = {}
        detail = str(problem.get("detail", answer.reason))
        if answer.status in AWAY:
            raise ManagerUnreachable(self.url, detail or "it is not ready")
        if body and not problem:
            raise NotAManager(self.url, f"it answers {answer.status} {answer.reason}")
        if answer.status == 401:
            detail += f" ({REMEDY})"
        raise RestProblem(answer.status, detail, problem.get("errors", []))


def _token_in(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotAuthorized(f"the token file {file} cannot be read: {error.strerror or error}: {REMEDY}") from error
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isascii() or not token.isprintable():
        raise NotAuthorized(f"{file} holds no token: {REMEDY}")
    return token


def _reason(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
