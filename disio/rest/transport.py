"""One request to a manager: its token, its answer, its end in time.

Rule: every answer that is not a success becomes a typed error; a manager that is away becomes ManagerUnreachable.
"""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import aiohttp
import msgspec

from disio.rest.problems import REMEDY, NotAManager, refusal
from disio_shared.errors import ManagerUnreachable, NotAuthorized

TIMEOUT_S = 30.0
AWAY = (502, 503, 504)
"""Statuses of a manager, or of a proxy before it, that may answer later."""
LATER = ("key-in-use", "no-space", "upload-busy", "upload-offset")
"""Codes of problems that say so, too."""
NOTHING = 204
"""Status of an answer without a body."""


class Transport:
    """Requests to one manager. Use as an async context manager.

    Args:
        url: Of the manager.
        token: Its admin token.
        timeout_s: Seconds that one answer may take.
    """

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http: aiohttp.ClientSession | None = None

    @classmethod
    def from_files(cls, url: str, token_file: Path, timeout_s: float = TIMEOUT_S) -> Self:
        """Make a client with the token that lies in a file.

        Raises:
            NotAuthorized: The file cannot be read, or holds no token.
        """
        return cls(url, token_in(token_file), timeout_s)

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, connect=self.timeout_s, sock_read=self.timeout_s)
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=timeout, read_bufsize=1 << 20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """What sends requests, the token with them."""
        assert self._http is not None, "use it as an async context manager"
        return self._http

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn what goes wrong on the way into ManagerUnreachable."""
        try:
            yield
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ManagerUnreachable(self.url, _reason(error)) from error

    async def json(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a request, with a body in JSON if one is given; return the object that is answered, or an empty one.

        Raises:
            RestProblem: It is refused.
            NotAManager: What answers is something else.
            ManagerUnreachable: No answer.
        """
        # A file object: aiohttp warns about large bytes bodies.
        data = None if body is None else io.BytesIO(msgspec.json.encode(body))
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if data is not None else {})}
        try:
            with self.answering():
                async with (
                    asyncio.timeout(self.timeout_s),
                    self.session.request(method, self.url + path, data=data, headers=sent) as answer,
                ):
                    await self.check(answer)
                    body = await answer.read()
            return msgspec.json.decode(body, type=dict[str, Any]) if answer.status != NOTHING else {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotAManager(self.url, "what it answers is not a manager's") from error

    async def check(self, answer: aiohttp.ClientResponse) -> None:
        """Return when an answer is a success.

        Raises:
            RestProblem, NotAManager, ManagerUnreachable: It is none.
        """
        if answer.status < 400:
            return
        body = await answer.read()
        try:
            problem = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = {}
        detail = str(problem.get("detail", answer.reason))
        if answer.status in AWAY or problem.get("code") in LATER:
            raise ManagerUnreachable(self.url, detail or "it is not ready")
        if body and not problem:
            raise NotAManager(self.url, f"it answers {answer.status} {answer.reason}")
        if problem:  # its type leads to a page of the manager
            problem["type"] = urljoin(f"{self.url}/", str(problem.get("type", "about:blank")))
        raise refusal(answer.status, detail, problem)


def token_in(file: Path) -> str:
    """Return the token that lies in a file.

    Raises:
        NotAuthorized: The file cannot be read, or holds no token.
    """
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
