"""The code of work units: fetched by hash, checked, kept in memory while it is needed and a little longer.

Rule: no byte of code is used whose SHA-256 is not the name it was asked for by.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict

import aiohttp

from disio_client.events import CodeMissing, CodeReady
from disio_shared.taskdoc import MAX_WORKUNIT_BYTES

MAX_SPARE_BYTES = 64 << 20
"""Bytes of code kept although no batch needs it."""
FETCH_S = 60.0


class Workunits:
    """Code by hash: needed code for certain, other code while there is room."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._needed: dict[str, bytes] = {}
        self._spare: OrderedDict[str, bytes] = OrderedDict()

    def code(self, workunit: str) -> bytes:
        """Return code that was fetched and not released.

        Raises:
            KeyError: It was not.
        """
        return self._needed[workunit]

    def release(self, workunit: str) -> None:
        """Note that no batch needs this code; the longest unused is forgotten first."""
        code = self._needed.pop(workunit, None)
        if code is None:
            return
        self._spare[workunit] = code
        while sum(map(len, self._spare.values())) > MAX_SPARE_BYTES:
            self._spare.popitem(last=False)

    async def fetch(self, base_url: str, workunit: str) -> CodeReady | CodeMissing:
        """Get code from a distributor, unless it is here already."""
        spare = self._spare.pop(workunit, None)
        if spare is not None:
            self._needed[workunit] = spare
        if workunit in self._needed:
            return CodeReady(workunit)
        if not re.fullmatch(r"[0-9a-f]{64}", workunit):
            return CodeMissing(workunit, "its name is not a SHA-256", is_final=True)
        try:
            return await self._download(f"{base_url}/workunits/{workunit}", workunit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return CodeMissing(workunit, str(error) or type(error).__name__, is_final=False)

    async def _download(self, url: str, workunit: str) -> CodeReady | CodeMissing:
        async with asyncio.timeout(FETCH_S), self._http.get(url) as response:
            if response.status != 200:
                is_final = response.status in (400, 404, 410)
                return CodeMissing(workunit, f"the distributor answered {response.status}", is_final)
            code = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                code += chunk
                if len(code) > MAX_WORKUNIT_BYTES:
                    return CodeMissing(workunit, f"it is over {MAX_WORKUNIT_BYTES} bytes", is_final=True)
        if hashlib.sha256(code).hexdigest() != workunit:
            return CodeMissing(workunit, "its hash is not the one asked for", is_final=True)
        self._needed[workunit] = bytes(code)
        return CodeReady(workunit)
