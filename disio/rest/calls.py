"""The manager's calls by name.

Rule: one method a call, and nothing but that call in it.
"""

import io
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from disio.rest import upload
from disio.rest.lines import ResultLine, lines, result_batches
from disio.rest.transport import Transport


class ManagerClient(Transport):
    """Calls to one manager. Use as an async context manager."""

    async def create_task(self, document: dict[str, Any], idempotency_key: str = "") -> dict[str, Any]:
        """Create a task; return its JSON.

        Raises:
            RestProblem: The document is wrong.
            ManagerUnreachable: No answer.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self.json("POST", "/api/tasks", document, headers)

    async def task(self, task: str, with_payloads: bool = True) -> dict[str, Any]:
        """Return a task's JSON; the spec of its payloads is in it unless that is long, or not wanted."""
        shown = "auto" if with_payloads else "never"
        return await self.json("GET", f"/api/tasks/{_quoted(task)}?payloads={shown}")

    async def explain(self, task: str) -> dict[str, Any]:
        """Return why a task is (not) progressing."""
        return await self.json("GET", f"/api/tasks/{_quoted(task)}/explain")

    async def aggregates(self, task: str) -> dict[str, Any]:
        """Return numbers about the results of a task, as many as the manager has counted."""
        return await self.json("GET", f"/api/tasks/{_quoted(task)}/aggregates")

    async def provenance(self, task: str) -> dict[str, Any]:
        """Return where the results of a task come from, as far as the manager has looked."""
        return await self.json("GET", f"/api/tasks/{_quoted(task)}/provenance")

    async def payload(self, task: str, index: int) -> dict[str, Any]:
        """Return one payload's story."""
        return await self.json("GET", f"/api/tasks/{_quoted(task)}/payloads/{index}")

    async def managers(self) -> list[dict[str, Any]]:
        """Return the managers of the cluster, the one asked first."""
        answer = await self.json("GET", "/api/managers")
        return list(answer["items"])

    async def distributors(self) -> list[dict[str, Any]]:
        """Return the distributors."""
        answer = await self.json("GET", "/api/distributors")
        return list(answer["items"])

    async def clients(self, limit: int = 1_000, cursor: str = "") -> dict[str, Any]:
        """Return one page of clients: ``{"items", "missing", "next_cursor", "total"}``."""
        return await self.json("GET", f"/api/clients?{urlencode({'limit': limit, 'cursor': cursor})}")

    async def verb(self, task: str, verb: str) -> dict[str, Any]:
        """Pause, resume, cancel, retry or close a task."""
        return await self.json("POST", f"/api/tasks/{_quoted(task)}/{verb}")

    async def retry(self, task: str, indexes: Sequence[int]) -> dict[str, Any]:
        """Queue some failed payloads of a task again."""
        return await self.json("POST", f"/api/tasks/{_quoted(task)}/retry", {"indexes": list(indexes)})

    async def append_payloads(self, task: str, start: int, values: list[Any]) -> int:
        """Give a growing task what comes next; return how many payloads it has then. A repeat changes nothing.

        Raises:
            NotNext: Its next payload has another number, or no more may come.
        """
        answer = await self.json("POST", f"/api/tasks/{_quoted(task)}/payloads", {"start": start, "values": values})
        return int(answer["total"])

    async def stats(self) -> dict[str, Any]:
        """Return the cluster's numbers."""
        return await self.json("GET", "/api/stats")

    async def cluster(self) -> str:
        """Return the id of the cluster, which stays when a manager changes its address."""
        return str((await self.json("GET", "/api/link"))["cluster"])

    async def document(self, task: str) -> dict[str, Any]:
        """Return a task's document in canonical form."""
        return await self.json("GET", f"/api/tasks/{_quoted(task)}/document")

    async def blob_offset(self, sha256: str) -> int | None:
        """Return how many bytes of an upload are there; None = all of them."""
        return await upload.blob_offset(self, sha256)

    async def put_blob(self, sha256: str, pieces: AsyncIterable[bytes], size: int, offset: int = 0) -> None:
        """Upload inputs, or what is missing of them; see ``upload.put_blob``."""
        await upload.put_blob(self, sha256, pieces, size, offset)

    async def failures(self, task: str, start: int = 0, limit: int = 0) -> list[dict[str, Any]]:
        """Return quarantined payloads with their error texts, in index order; 0 = all of them."""
        answer = await self.json("GET", f"/api/tasks/{_quoted(task)}/failures?from={start}&limit={limit}")
        return list(answer["items"])

    async def results(self, task: str, start: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Yield canonical results in index order."""
        async with aclosing(lines(self, f"/api/tasks/{_quoted(task)}/results?format=ndjson&from={start}")) as found:
            async for line in found:
                yield msgspec.json.decode(line, type=dict[str, Any])

    async def result_batches(
        self, task: str, start: int, limit: int, is_matched: bool = False
    ) -> AsyncGenerator[list[ResultLine], None]:
        """Yield at most ``limit`` canonical results from an index on, some at a time.

        With ``is_matched`` those alone that the task searches for.
        """
        more = "&matched=true" if is_matched else ""
        path = f"/api/tasks/{_quoted(task)}/results?format=ndjson&from={start}&limit={limit}{more}"
        async with aclosing(result_batches(self, path)) as found:
            async for batch in found:
                yield batch

    async def raw_results(self, task: str, start: int, limit: int) -> AsyncGenerator[bytes, None]:
        """Yield at most ``limit`` (0 = all) canonical results from an index on, each as the manager wrote it."""
        path = f"/api/tasks/{_quoted(task)}/results?format=ndjson&from={start}&limit={limit}"
        async with aclosing(lines(self, path)) as found:
            async for line in found:
                yield line

    async def tasks(
        self, state: str = "", q: str = "", limit: int = 50, cursor: str = "", numbers: str = ""
    ) -> dict[str, Any]:
        """Return one page of tasks, newest first: ``{"items", "next_cursor", "total"}``; numbers are ``3-8,12``."""
        given = {"state": state, "q": q, "numbers": numbers, "limit": str(limit), "cursor": cursor}
        return await self.json("GET", f"/api/tasks?{urlencode({k: v for k, v in given.items() if v})}")

    async def edit(self, task: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change fields of a task that can be changed; return its JSON."""
        return await self.json("PATCH", f"/api/tasks/{_quoted(task)}", changes)

    async def delete(self, task: str) -> None:
        """Delete a task with its results."""
        await self.json("DELETE", f"/api/tasks/{_quoted(task)}")

    async def bulk(self, verb: str, wanted: dict[str, Any], is_dry: bool = False) -> dict[str, Any]:
        """Begin a verb on all tasks that fit a filter, or only count them; return how far it is."""
        return await self.json("POST", "/api/bulk", {"verb": verb, "filter": wanted, "dry_run": is_dry})

    async def bulk_job(self, job: str) -> dict[str, Any]:
        """Return how far a verb on many tasks is."""
        return await self.json("GET", f"/api/bulk/{_quoted(job)}")

    async def preview(self, payloads: dict[str, Any]) -> dict[str, Any]:
        """Return how many payloads a spec makes, and some of them."""
        return await self.json("POST", "/api/payloads/preview", payloads)

    async def finished_batches(
        self, task: str, cursor: str, limit: int, heard: Callable[[Mapping[str, str]], object]
    ) -> AsyncGenerator[list[ResultLine], None]:
        """Yield a page of results in the order in which they came, some at a time.

        Args:
            task: Its id.
            cursor: Where the page before ended; empty = from the beginning.
            limit: Results at most.
            heard: Gets the headers first: ``X-Cursor`` is where this page ends.

        Raises:
            RestProblem: 400, the manager's database keeps no such order.
        """
        query = urlencode({"format": "ndjson", "order": "finished", "cursor": cursor, "limit": limit})
        path = f"/api/tasks/{_quoted(task)}/results?{query}"
        async with aclosing(result_batches(self, path, heard)) as found:
            async for batch in found:
                yield batch

    async def raw_finished(
        self,
        task: str,
        cursor: str,
        limit: int,
        heard: Callable[[Mapping[str, str]], object],
        with_failures: bool = False,
        wait_s: float = 0.0,
    ) -> AsyncGenerator[bytes, None]:
        """Yield a page of results, and failures if wanted, in the order in which they came; see ``finished_lines``.

        The manager waits up to ``wait_s`` seconds for the first.
        """
        query = {"format": "ndjson", "order": "finished", "cursor": cursor, "limit": limit}
        more = ({"failures": "true"} if with_failures else {}) | ({"wait_s": f"{wait_s:g}"} if wait_s else {})
        path = f"/api/tasks/{_quoted(task)}/results?{urlencode(query | more)}"
        async with aclosing(lines(self, path, heard)) as found:
            async for line in found:
                yield line

    @asynccontextmanager
    async def answer(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Send any request; yield what answers, whatever its status."""
        data = None if body is None else io.BytesIO(body)
        with self.answering():
            async with self.session.request(method, self.url + path, data=data, headers=headers) as answer:
                yield answer

    async def me(self) -> dict[str, Any]:
        """Return who asks, and of which cluster."""
        return await self.json("GET", "/api/me")


def _quoted(task: str) -> str:
    return quote(task, safe="")
