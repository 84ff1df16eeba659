"""One light pretend client: it speaks the client link and computes a pure function in Python.

Rule: what matters to the distributor is done as a real client does it (docs/protocol.md): one standing Ready, results
gathered and kept until they are acknowledged, sent again after a reconnect, leases named with ``holding``, heartbeats.
Left out is what the distributor cannot see: code is neither fetched nor run, and a unit's time passes without work.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.chaos.holdings import Batch, Holdings, Owed
from tests.chaos.line import Line, LineLost, Message, OnAnswer
from tests.chaos.outside import Outside

MAX_UNACKED = 4
MAX_GATHERED = 500


def square_plus_7(number: int) -> int:
    """Return what the chaos tasks compute."""
    return number * number + 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How volunteers behave; times in seconds."""

    unit_s: float = 0.01
    """What a unit takes on one core."""
    cores: int = 1
    compute: Callable[[Any], Any] = square_plus_7
    gather_s: float = 0.5
    """Results are gathered for so long at most."""
    vanish: float = 0.0
    """Probability, for each batch, of vanishing somewhere in its middle."""
    mute: float = 0.0
    """Part of the vanishing that goes silent and leaves its connection open."""
    returns_s: float = 1.0
    """Who vanished is replaced by a fresh volunteer after so long; never when negative."""
    backoff_s: tuple[float, float] = (0.5, 30.0)
    """First and longest delay between two tries to connect."""
    ack_s: float = 30.0
    """A connection on which an acknowledgement takes longer is taken for dead."""


class Vanished(Exception):
    """A volunteer went without a word."""


class Volunteer:
    """One pretend client.

    Args:
        number: Names it, and makes its chance its own.
        url: The distributor.
        http: Opens its connections.
    """

    def __init__(
        self, number: int, url: str, manner: Manner, outside: Outside, http: aiohttp.ClientSession, seed: int
    ) -> None:
        self.name, self.url, self.manner = f"volunteer-{number}", url, manner
        self.is_online = False
        self.connects = 0
        """How often it was welcomed."""
        self._outside, self._http = outside, http
        self._chance = random.Random(f"{seed}:{number}")
        self._leaving = asyncio.Event()
        self._muted: list[Line] = []
        self._begin()

    def _begin(self) -> None:
        """Be a newcomer who holds nothing."""
        self._identity = {"client_id": "", "secret": ""}
        self._held = Holdings()
        self._line: Line | None = None
        self._has_asked = self._is_paused = False
        self._heartbeat_s, self._last_batch = 10.0, 0
        self._news = asyncio.Event()
        self._has_worked = False
        self._delay_s = self.manner.backoff_s[0]

    def told(self) -> str:
        """Return how it is, for a wait that failed."""
        held = self._held
        owed = f"{len(held.waiting)} messages owed, {len(held.under_way)} under way"
        batches = ", ".join(f"{len(batch.units)}/{batch.size} of {batch.task}" for batch in held.batches.values())
        state = f"{'online' if self.is_online else 'offline'} {'asked' if self._has_asked else 'has not asked'}"
        return f"{self.name} at {self.url}: {state}; {self.connects} connects; holds [{batches}]; {owed}"

    def leave(self) -> None:
        """Ask it to leave cleanly, with what it holds handed back."""
        self._leaving.set()

    def cut(self) -> None:
        """Break its connection as a lost network would; it comes back by itself."""
        if self._line is not None:
            self._line.cut()

    async def run(self) -> None:
        """Take part until asked to leave, or until vanished for good."""
        try:
            while not self._leaving.is_set():
                try:
                    await self._live()
                except* Vanished:
                    self._outside.vanished += 1
                if self._leaving.is_set() or self.manner.returns_s < 0:
                    return
                await self._rest(self.manner.returns_s)
                self._begin()
        finally:
            for line in self._muted:
                line.cut()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            worker = group.create_task(self._work())
            while not self._leaving.is_set():
                await self._take_part()
                await self._rest(self._delay_s * self._chance.uniform(0.5, 1.0))
                self._delay_s = min(self._delay_s * 2, self.manner.backoff_s[1])
            worker.cancel()

    async def _rest(self, seconds: float) -> None:
        """Wait, or until asked to leave."""
        await _within(self._leaving.wait(), seconds)

    # One connection

    async def _take_part(self) -> None:
        """Serve one connection until it ends."""
        line: Line | None = None
        try:
            line = await Line.open(self._http, self.url)
            await self._converse(line)
        except* LineLost:
            pass
        finally:
            self._line, self.is_online = None, False
            self._has_asked = self._is_paused = False
            if line is not None and line not in self._muted:
                line.cut()
            self._held.waiting.extendleft(reversed(self._held.under_way))
            self._held.under_way = []

    async def _converse(self, line: Line) -> None:
        welcome: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        hello = {"type": "hello", "version": 1, "kind": "cli", "languages": ["javascript"], "cores": self.manner.cores}
        names = {"name": self.name, "software": "volunteer", "holding": self._held.tokens(), **self._identity}
        await line.say({**hello, **names}, _settling(welcome))
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(self._listen(line))
            leaver = group.create_task(self._leaving.wait())
            try:
                await self._begin_session(line, await welcome)
                await asyncio.wait({reader, leaver}, return_when=asyncio.FIRST_COMPLETED)
                if leaver.done() and not reader.done():
                    await self._say_goodbye(line)
            finally:
                reader.cancel()
                leaver.cancel()

    async def _listen(self, line: Line) -> None:
        """Hear messages until the line ends; then whoever waits for an answer is told."""
        try:
            while True:
                await self._on_message(await line.hear())
        except LineLost:
            pass
        finally:
            if line not in self._muted:
                line.cut()

    async def _begin_session(self, line: Line, welcome: Message | None) -> None:
        kind = welcome["type"] if welcome else "nothing"
        if welcome is None or kind != "welcome":
            if welcome is not None and kind == "redirect":
                self.url = welcome["url"].rstrip("/")
            elif welcome is not None and kind == "refused":
                await self._rest(max(0.0, welcome["retry_after_s"]))
            raise LineLost(kind)
        self._identity = {"client_id": welcome["client_id"], "secret": welcome["secret"]}
        self._heartbeat_s = welcome["heartbeat_s"]
        self._line, self.is_online = line, True
        self.connects += 1
        self._delay_s = self.manner.backoff_s[0]
        await self._send_owed()
        await self._ask_when_low()

    async def _say_goodbye(self, line: Line) -> None:
        """Hand everything back and wait for the word that it is known."""
        tokens = list(self._held.batches)
        self._held.batches.clear()
        known = asyncio.Event()
        message = {"type": "release", "tokens": tokens, "indexes": [[] for _ in tokens]}
        await line.say(message, lambda _answer: known.set())
        await _within(known.wait(), self.manner.ack_s)

    # What the distributor says

    async def _on_message(self, message: Message) -> None:
        kind = message["type"]
        if kind == "assign":
            self._on_assign(message)
        elif kind == "cancel":
            if not message.get("tokens"):
                self._outside.called_off.setdefault(message["task"], set()).add(self.name)
            self._held.cancel(message["task"], message.get("tokens", []), message.get("indexes", []))
        elif kind in ("pause", "resume"):
            self._is_paused = kind == "pause"
        elif kind == "redirect":
            self.url = message["url"].rstrip("/")
            if self._line is not None:
                await self._say_goodbye_soon(self._line)
        elif kind == "error":
            raise LineLost(f"error: {message['reason']}")
        self._news.set()

    async def _say_goodbye_soon(self, line: Line) -> None:
        """Release everything without waiting: this is called from where answers are heard."""
        tokens = list(self._held.batches)
        self._held.batches.clear()
        await line.say(
            {"type": "release", "tokens": tokens, "indexes": [[] for _ in tokens]}, lambda _answer: line.cut()
        )

    def _on_assign(self, message: Message) -> None:
        self._has_asked = False
        task, indexes = message["task"], message["indexes"]
        self._outside.assigned(task, self.name, indexes)
        self._last_batch = len(indexes)
        units = deque(zip(indexes, message["payloads"], strict=True))
        self._held.batches[message["token"]] = Batch(message["token"], task, units, len(indexes))

    async def _ask_when_low(self) -> None:
        line = self._line
        if line is None or self._has_asked or self._held.unstarted() * 2 > self._last_batch:
            return
        self._has_asked = True
        await line.say({"type": "ready", "slots": self.manner.cores, "queued": self._held.unstarted()})

    # Work

    async def _work(self) -> None:
        """Compute what is held, connected or not."""
        while True:
            batch = next(iter(self._held.batches.values()), None)
            if batch is None or self._is_paused:
                await self._wait_for_work()
                continue
            if self._chance.random() < self.manner.vanish:
                await self._vanish(batch)
            while batch.units and batch.token in self._held.batches:
                await self._compute(batch)
            self._held.batches.pop(batch.token, None)

    async def _wait_for_work(self) -> None:
        began = time.monotonic()
        self._news.clear()
        await self._quietly(self._ask_when_low())
        await self._quietly(self._send_owed())
        await _within(self._news.wait(), 1.0)
        if self._has_worked:
            self._outside.idle_s += time.monotonic() - began

    async def _compute(self, batch: Batch) -> None:
        """Compute as much of a batch as is gathered into one message, then report it."""
        manner = self.manner
        count = min(len(batch.units), self._gathered())
        units = [batch.units.popleft() for _ in range(count)]
        await self._quietly(self._ask_when_low())
        await self._pass_time(batch, -(-count // manner.cores) * manner.unit_s)
        if batch.token not in self._held.batches:
            return
        self._has_worked = True
        self._outside.computed[batch.task] += count
        values = [json.dumps(manner.compute(json.loads(payload))).encode() for _, payload in units]
        self._held.waiting.append(Owed(batch, [index for index, _ in units], values))
        await self._quietly(self._send_owed())

    def _gathered(self) -> int:
        """Return how many units go into one message."""
        manner = self.manner
        rounds = max(1, int(manner.gather_s / manner.unit_s)) if manner.unit_s else MAX_GATHERED
        return min(MAX_GATHERED, rounds * manner.cores)

    async def _pass_time(self, batch: Batch, seconds: float) -> None:
        """Let a unit's time pass, with heartbeats; a cancel ends it early."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and batch.token in self._held.batches:
            self._news.clear()
            waited = min(left, self._heartbeat_s / 2)
            await _within(self._news.wait(), waited)
            if waited < left and self._line is not None:
                beat = {"type": "progress", "token": batch.token, "indexes": [], "fractions": []}
                await self._quietly(self._line.say(beat))
        if seconds <= 0:
            await asyncio.sleep(0)

    async def _vanish(self, batch: Batch) -> None:
        """Go without a word, within any unit of a batch: what was gathered since the last report is lost with it."""
        left = self._chance.randrange(len(batch.units)) if batch.units else 0
        while len(batch.units) - left > self._gathered() and batch.token in self._held.batches:
            await self._compute(batch)
        begun = len(batch.units) - left
        await self._pass_time(batch, (begun - self._chance.random()) / self.manner.cores * self.manner.unit_s)
        self._outside.wasted[batch.task] += begun
        if self._line is not None and self._chance.random() < self.manner.mute:
            self._line.mute()
            self._muted.append(self._line)
        raise Vanished

    # Results

    async def _send_owed(self) -> None:
        held = self._held
        now = time.monotonic()
        line = self._line
        if line is None:
            return
        if held.under_way and now - held.under_way[0].sent_at > self.manner.ack_s:
            line.cut()
        while held.waiting and len(held.under_way) < MAX_UNACKED and line is self._line:
            owed = held.waiting.popleft()
            owed.sent_at = now
            held.under_way.append(owed)
            seconds = [self.manner.unit_s] * len(owed.indexes)
            columns = {"indexes": owed.indexes, "values": owed.values, "seconds": seconds}
            await line.say({"type": "results", "token": owed.batch.token, **columns}, self._on_answer(owed, line))

    def _on_answer(self, owed: Owed, line: Line) -> Callable[[Message | None], None]:
        def take(answer: Message | None) -> None:
            if owed not in self._held.under_way or answer is None:
                return
            if answer["type"] != "stored":
                line.cut()
                return
            self._held.under_way.remove(owed)
            batch, dead = owed.batch, answer["dead"]
            self._outside.stored(batch.task, self.name, owed.indexes, owed.values, answer["accepted"], dead)
            if dead:
                self._held.drop(lambda each: each.token == batch.token)
            self._news.set()

        return take

    async def _quietly(self, sending: Awaitable[None]) -> None:
        """Send; a lost line is seen to by whoever listens on it."""
        try:
            await sending
        except LineLost:
            if self._line is not None:
                self._line.cut()


def _settling(answer: asyncio.Future[Message | None]) -> OnAnswer:
    def settle(message: Message | None) -> None:
        if not answer.done():
            answer.set_result(message)

    return settle


async def _within(fact: Awaitable[Any], seconds: float) -> None:
    """Wait for a fact for so long at most."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await fact
    except TimeoutError:
        pass
