"""What is owed to a distributor, piece by piece: answers still gathered, and messages that wait or are under way.

Rule: units can be taken out of either, and nothing else changes by it. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from disio_client.unit_logs import MAX_MESSAGE_CHARS, NO_ROOM
from disio_shared.messages import Checkpoint, Failed, FromClient, Release, Results

DoneColumns = tuple[list[int], list[bytes], list[float]]
Logs = Mapping[int, str]
NO_LOGS: Logs = {}


@dataclass(slots=True)
class Gathering:
    """Answers of one token that are not yet in a message."""

    since: float
    done: DoneColumns = field(default_factory=lambda: ([], [], []))
    failed: tuple[list[int], list[str], list[str]] = field(default_factory=lambda: ([], [], []))
    logs: dict[int, str] = field(default_factory=dict)
    size: int = 0

    @property
    def units(self) -> int:
        """How many answers there are."""
        return len(self.done[0]) + len(self.failed[0])

    def add_logs(self, indexes: list[int], logs: Logs) -> None:
        """Take in what units wrote, as much as a message may hold."""
        room = MAX_MESSAGE_CHARS - sum(map(len, self.logs.values())) if logs else 0
        for index in indexes if logs else ():
            if index in logs:
                self.logs[index] = logs[index] if len(logs[index]) <= room else NO_ROOM
                room -= len(self.logs[index])

    def drop(self, indexes: set[int]) -> bool:
        """Forget units; return whether any other is left."""
        done = [row for row in zip(*self.done, strict=True) if row[0] not in indexes]
        failed = [row for row in zip(*self.failed, strict=True) if row[0] not in indexes]
        self.done = ([row[0] for row in done], [row[1] for row in done], [row[2] for row in done])
        self.failed = ([row[0] for row in failed], [row[1] for row in failed], [row[2] for row in failed])
        self.logs = {index: text for index, text in self.logs.items() if index not in indexes}
        self.size = sum(map(len, self.done[1])) + sum(map(len, self.failed[1]))
        return bool(done or failed)

    def messages(self, token: str) -> list[FromClient]:
        """Return the messages that say it all."""
        made: list[FromClient] = []
        if self.done[0]:
            indexes, values, seconds = self.done
            results = Results(token=token, indexes=indexes, values=values, seconds=seconds)
            made.append(self._with_logs(results))
        if self.failed[0]:
            indexes, errors, kinds = self.failed
            made.append(self._with_logs(Failed(token=token, indexes=indexes, errors=errors, kinds=kinds)))
        return made

    def _with_logs(self, message: Results | Failed) -> FromClient:
        logged = [index for index in message.indexes if index in self.logs] if self.logs else []
        if not logged:
            return message
        return msgspec.structs.replace(message, logged=logged, logs=[self.logs[index] for index in logged])


@dataclass(slots=True)
class Owed:
    """A message that waits to be sent or acknowledged."""

    message: FromClient
    sent_at: float = 0.0
    strikes: int = 0
    is_dropped: bool = False
    is_refused: bool = False
    """The peer had no room for it the last time."""
    size: int = field(init=False)
    """Bytes of values."""
    units: int = field(init=False)

    def __post_init__(self) -> None:
        self.weigh()

    def weigh(self) -> None:
        """Measure the message."""
        self.size, self.units = _weight(self.message)

    @property
    def must_wait(self) -> bool:
        """Whether it stays here while results are held back."""
        return self.is_refused or isinstance(self.message, Results | Failed)


def tokens_of(message: FromClient) -> list[str]:
    """Return the token a message would die with; a Release names many and is harmless when late."""
    return [message.token] if isinstance(message, Results | Failed | Checkpoint) else []


def _weight(message: FromClient) -> tuple[int, int]:
    """Return the bytes of a message's values and its units."""
    if isinstance(message, Results):
        return sum(map(len, message.values)), len(message.indexes)
    if isinstance(message, Failed):
        return sum(map(len, message.errors)), len(message.indexes)
    return (len(message.state), 1) if isinstance(message, Checkpoint) else (0, 0)


def without(message: FromClient, token: str, indexes: set[int]) -> FromClient | None:
    """Return the message without these units; the same one when it has none of them, None when nothing is left."""
    if isinstance(message, Checkpoint):
        return None if message.token == token and message.index in indexes else message
    if isinstance(message, Release):
        return _release_without(message, token, indexes)
    if not isinstance(message, Results | Failed) or message.token != token:
        return message
    kept = [at for at, index in enumerate(message.indexes) if index not in indexes]
    if len(kept) == len(message.indexes):
        return message
    names = ("indexes", "values", "seconds") if isinstance(message, Results) else ("indexes", "errors", "kinds")
    columns = {name: [getattr(message, name)[at] for at in kept] for name in names}
    return msgspec.structs.replace(message, **columns) if kept else None


def _release_without(release: Release, token: str, indexes: set[int]) -> Release | None:
    """Return the release without these units. An empty list of indexes would mean all: such a token goes as a whole."""
    pairs = list(zip(release.tokens, release.indexes, strict=True))
    rest = [(name, [i for i in part if name != token or i not in indexes]) for name, part in pairs]
    kept = [new for old, new in zip(pairs, rest, strict=True) if new[1] or not old[1]]
    if kept == pairs:
        return release
    return Release(tokens=[name for name, _ in kept], indexes=[part for _, part in kept]) if kept else None
