"""Many light pretend clients in one process.

Rule: whoever was let in is gone when the crowd is, and what went wrong in any of them is raised.
"""

import asyncio

import aiohttp

from tests.chaos.outside import Outside
from tests.chaos.volunteer import Manner, Volunteer
from tests.waiting import patient

PER_ADDRESS = 40
"""Volunteers behind one loopback address: distributors limit how fast one address may connect."""
STOP_S = 20.0


class Crowd:
    """Volunteers that run together. Use as an async context manager; who is still here at its end leaves cleanly."""

    def __init__(self, outside: Outside, manner: Manner | None = None, seed: int = 0) -> None:
        self.outside, self.manner, self.seed = outside, manner or Manner(), seed
        self.volunteers: list[Volunteer] = []
        self._http: list[aiohttp.ClientSession] = []
        self._running: list[asyncio.Task[None]] = []

    @property
    def online(self) -> int:
        """Return how many are welcome and connected."""
        return sum(volunteer.is_online for volunteer in self.volunteers)

    @property
    def connects(self) -> int:
        """Return how often they were let in, all together."""
        return sum(volunteer.connects for volunteer in self.volunteers)

    def add(self, count: int, *urls: str, manner: Manner | None = None) -> list[Volunteer]:
        """Let volunteers in, spread over distributors."""
        made = []
        for at in range(count):
            number = len(self.volunteers)
            volunteer = Volunteer(
                number, urls[at % len(urls)], manner or self.manner, self.outside, self._door(number), self.seed
            )
            self.volunteers.append(volunteer)
            self._running.append(asyncio.create_task(volunteer.run(), name=volunteer.name))
            made.append(volunteer)
        return made

    def _door(self, number: int) -> aiohttp.ClientSession:
        """Return the session of a loopback address with few volunteers behind it."""
        place = number // PER_ADDRESS
        if place == len(self._http):
            address = (f"127.0.{place // 250}.{place % 250 + 1}", 0) if place else None
            connector = aiohttp.TCPConnector(limit=0, force_close=True, local_addr=address)
            self._http.append(aiohttp.ClientSession(connector=connector))
        return self._http[place]

    async def stop(self) -> None:
        """Let everybody leave cleanly; raise what went wrong in any of them."""
        for volunteer in self.volunteers:
            volunteer.leave()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patient(STOP_S))
            for task in late:
                task.cancel()
        ended = await asyncio.gather(*self._running, return_exceptions=True)
        for http in self._http:
            await http.close()
        wrong = [each for each in ended if isinstance(each, Exception)]
        if wrong:
            raise ExceptionGroup("volunteers broke", wrong[:5])

    async def __aenter__(self) -> "Crowd":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
