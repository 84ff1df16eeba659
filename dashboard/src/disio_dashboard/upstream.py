"""The manager as the dashboard sees it: where it is, and calls to it.

Rule: nothing here waits for ever, and every way a manager can be away ends as ``ManagerUnreachable``.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from disio_dashboard.sessions import Who
from disio_dashboard.settings import DEFAULT_MANAGER
from disio_shared.datadir import DataDir
from disio_shared.errors import ManagerUnreachable

CONNECT_TIMEOUT_S = 5.0
SILENCE_TIMEOUT_S = 75.0
"""Seconds without a byte; the manager's event stream pings more often than that."""
ANSWER_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 500
MAX_ANSWER = 64 << 10
ValueT = TypeVar("ValueT")


class Address(Protocol):
    """Where a manager is."""

    @property
    def known(self) -> str:
        """Return the URL as far as it is known without waiting; else nothing."""

    async def url(self) -> str:
        """Return the URL."""


class FixedAddress:
    """A manager that was named."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    @property
    def known(self) -> str:
        """Return the manager's URL."""
        return self._url

    async def url(self) -> str:
        """Return the manager's URL."""
        return self._url


class FileAddress:
    """A manager on this machine; its real port is in ``manager.json``, which changes when it restarts."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._last = DEFAULT_MANAGER

    @property
    def known(self) -> str:
        """Return the URL that was read last."""
        return self._last

    async def url(self) -> str:
        """Return the URL in the file, else the last one that was there, else the default."""
        running = self._data_dir.read_service("manager") or {}
        url = running.get("url")
        if isinstance(url, str):
            self._last = url.rstrip("/")
        return self._last


class Upstream:
    """HTTP client of one manager."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    @property
    def known(self) -> str:
        """Return where it is, as far as that is known without waiting; else nothing."""
        return self._address.known

    def _client(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise RuntimeError("it was closed")
        if self._session is None:
            # Bytes pass through as they came: no decompression, no total timeout (results and events are long).
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S),
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        """End every call."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def url(self) -> str:
        """Return where the manager is thought to be."""
        return await self._address.url()

    @asynccontextmanager
    async def call(
        self, method: str, path_qs: str, token: str, headers: Mapping[str, str] | None = None, data: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Call the manager as ``token`` (nothing: as nobody) and yield the answer before its body.

        Raises:
            ManagerUnreachable: It does not answer.
        """
        base, client = await self._address.url(), self._client()
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            response = await client.request(method, base + path_qs, headers=sent, data=data, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ManagerUnreachable(base, _reason(error)) from error
        try:
            yield response
        finally:
            response.release()  # also ends the connection when the body was not read to its end

    async def who(self, token: str) -> Who | None:
        """Ask the manager whose a token is; None: nobody's.

        Raises:
            ManagerUnreachable: It does not answer, or not sensibly.
        """
        status, told = await self.ask("GET", "/api/me", token)
        if status == 200:
            return decoded(told, Who)
        if status not in (401, 403):
            raise ManagerUnreachable(await self.url(), f"answered {status} to a sign-in check")
        return None

    async def ask(
        self, method: str, path: str, token: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status of an answer and its beginning, which is all of a small one.

        Raises:
            ManagerUnreachable: It does not answer in time.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self.call(method, path, token, headers, data) as response:
                return response.status, await response.content.read(MAX_ANSWER)
        except (TimeoutError, aiohttp.ClientError) as error:
            reason = (
                _reason(error) if isinstance(error, aiohttp.ClientError) else f"no answer in {ANSWER_TIMEOUT_S:g} s"
            )
            raise ManagerUnreachable(await self.url(), reason) from error


def decoded(body: bytes, kind: type[ValueT]) -> ValueT:
    """Return an answer of the manager as what it should be.

    Raises:
        ManagerUnreachable: It is something else, so it is no manager.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ManagerUnreachable("the manager", f"its answer is not understood: {error}") from error


def _reason(error: Exception) -> str:
    """Return what went wrong without the library's own wrapping."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0  # negative for a name that does not resolve
        return os.strerror(number) if number > 0 else str(error.os_error.strerror or error.os_error)
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
