"""What a live feed tells: numbered news, the last of them kept, and who wants which.

Rule: news have one order and one number each; who names the number it heard last is told what it missed, or that it
cannot be told.
"""

import asyncio
import re
from collections import deque
from typing import NamedTuple

from disio_manager.api.problems import BadRequest
from disio_shared.errors import FieldProblem

MAX_KEPT = 10_000
MAX_KEPT_CHARACTERS = 8 << 20
MAX_QUEUED = 2_000
"""News that may wait for one viewer."""
MAX_TAKEN = 64 << 10
MAX_TOPICS = 100
USUAL = "tasks,fleet,stats"
_TOPIC = re.compile(r"tasks|fleet|stats|attention|(?:task|results):[A-Za-z0-9_-]{1,64}")
_ID = re.compile(r"([A-Za-z0-9]{1,64})-([0-9]{1,15})")


class News(NamedTuple):
    """One server-sent event."""

    event: str
    data: str
    task: str = ""
    number: int = -1
    """Below 0: it has none."""


class Topics(NamedTuple):
    """What a viewer wants to hear of."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "Topics":
        """Return the topics of a list with commas; an empty one is the usual three.

        Raises:
            BadRequest: One is none, or there are too many.
        """
        names = (text or USUAL).split(",")
        wrong = next((name for name in names if not _TOPIC.fullmatch(name)), None)
        if wrong is not None:
            message = f"{wrong[:100]!r} is none of tasks, task:ID, fleet, stats, attention, results:ID"
            raise BadRequest(400, "bad-request", f"topics: {message}", [FieldProblem("topics", message)])
        if len(names) > MAX_TOPICS:
            message = f"at most {MAX_TOPICS}"
            raise BadRequest(400, "bad-request", f"topics: {message}", [FieldProblem("topics", message)])
        return cls(frozenset(names))

    def of(self, kind: str) -> list[str]:
        """Return the tasks of topics like ``results:ID``."""
        return sorted(name.partition(":")[2] for name in self.names if name.startswith(f"{kind}:"))

    def want(self, news: News) -> bool:
        """Tell whether news are of one of them."""
        if news.event == "reset":
            return True
        if news.event in ("fleet", "stats", "attention"):
            return news.event in self.names
        if news.event == "results":
            return f"results:{news.task}" in self.names
        return "tasks" in self.names or f"task:{news.task}" in self.names


class Ring:
    """The last news of one run of a feed.

    Args:
        epoch: Names the run, ASCII letters and digits: numbers of another one mean nothing here.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._kept: deque[News] = deque()
        self._characters = 0
        self.last = 0
        """Number of the newest."""

    def push(self, event: str, data: str, task: str = "") -> None:
        """Keep news, and let go of the oldest that are too many."""
        self.last += 1
        self._kept.append(News(event, data, task, self.last))
        self._characters += len(data)
        while len(self._kept) > MAX_KEPT or (self._characters > MAX_KEPT_CHARACTERS and len(self._kept) > 1):
            self._characters -= len(self._kept.popleft().data)

    def tear(self) -> None:
        """Let go of everything: some news were never heard of, so nobody can be told what it missed."""
        self._kept.clear()
        self._characters = 0
        self.last += 1

    def told(self, news: News) -> bytes:
        """Return news as a server-sent event; what it is about is JSON, which has no line of its own."""
        number = f"id: {self._epoch}-{news.number}\r\n" if news.number >= 0 else ""
        return f"{number}event: {news.event}\r\ndata: {news.data}\r\n\r\n".encode()

    def number_of(self, text: str) -> int | None:
        """Return the number in an id, or None when it is of another run, or none at all."""
        found = _ID.fullmatch(text)
        return int(found[2]) if found is not None and found[1] == self._epoch else None

    def since(self, number: int) -> list[News] | None:
        """Return what came after a number, or None when that is not known."""
        first = self.last - len(self._kept)
        if not first <= number <= self.last:
            return None
        return [self._kept[at] for at in range(number - first, len(self._kept))]


def newest(news: list[News]) -> list[News]:
    """Return of each thing that news are about the newest alone, in order."""
    found: dict[tuple[str, str], News] = {}
    for one in news:
        key = ("task" if one.task else one.event, one.task)
        found.pop(key, None)
        found[key] = one
    return list(found.values())


class Viewer:
    """One open stream.

    Args:
        topics: What it wants to hear of.
    """

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.told = -1
        """Number of the news up to which it knows everything."""
        self.news: asyncio.Queue[News | None] = asyncio.Queue(MAX_QUEUED + 1)
        """None ends the stream."""
        self.is_slow = False

    def offer(self, news: list[News]) -> bool:
        """Queue what it wants of news; False, and the end of the stream, when there is no room."""
        fresh = [one for one in news if self.topics.want(one) and not 0 <= one.number <= self.told]
        self.told = max([self.told, *(one.number for one in news)])
        if self.news.qsize() + len(fresh) > MAX_QUEUED:
            self.is_slow = True
            self.news.put_nowait(None)
            return False
        for one in fresh:
            self.news.put_nowait(one)
        return True

    async def take(self) -> list[News]:
        """Return what waits, as soon as anything does, about ``MAX_TAKEN`` characters at a time; nothing at the end."""
        news = await self.news.get()
        some, size = [], 0
        while news is not None:
            some.append(news)
            size += len(news.data)
            if size >= MAX_TAKEN or self.news.empty():
                return some
            news = self.news.get_nowait()
        if some:
            self.news.put_nowait(None)  # the end comes by itself
        return some

    def end(self) -> None:
        """End the stream when what is queued was read, or at once when there is no room for that."""
        if self.news.full():
            self.news.get_nowait()
        self.news.put_nowait(None)
