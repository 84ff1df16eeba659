"""What the client owes the distributor: gathered, sent a few at a time, kept until it is stored.

Rule: a message leaves the outbox only when its acknowledgement came or its token died; at most ``MAX_UNACKED`` are
under way. Pure: time is an argument, in seconds.
"""

from collections import deque
from dataclasses import dataclass, field

from disio_shared.messages import Checkpoint, Failed, FromClient, Release, Results

MAX_UNACKED = 4
GATHER_S = 1.0
GATHER_UNITS = 500
GATHER_BYTES = 4 << 20
"""Bytes of values in one message; one value more may be added, so a message stays under the link's 16 MiB."""
MAX_STRIKES = 3
"""Connections a message may see closed with an error before it is taken for the cause."""
CHECKPOINT_GAP_S = 1.0

Unit = tuple[str, int]


@dataclass(slots=True)
class _Gathering:
    """Answers of one token that are not yet in a message."""

    since: float
    done: tuple[list[int], list[bytes], list[float]] = field(default_factory=lambda: ([], [], []))
    failed: tuple[list[int], list[str], list[str]] = field(default_factory=lambda: ([], [], []))
    size: int = 0

    def messages(self, token: str) -> list[FromClient]:
        made: list[FromClient] = []
        if self.done[0]:
            made.append(Results(token=token, indexes=self.done[0], values=self.done[1], seconds=self.done[2]))
        if self.failed[0]:
            made.append(Failed(token=token, indexes=self.failed[0], errors=self.failed[1], kinds=self.failed[2]))
        return made


@dataclass(slots=True)
class _Owed:
    """A message that waits to be sent or acknowledged."""

    message: FromClient
    sent_at: float = 0.0
    strikes: int = 0
    is_dropped: bool = False


class Outbox:
    """Results, failures, checkpoints and releases on their way."""

    def __init__(self) -> None:
        self._gathered: dict[str, _Gathering] = {}
        self._states: dict[Unit, bytes] = {}
        self._state_sent: dict[Unit, float] = {}
        self._waiting: deque[_Owed] = deque()
        self._under_way: dict[int, _Owed] = {}
        self._last_number = 0

    def __len__(self) -> int:
        """Return how many messages and gatherings are owed."""
        return len(self._gathered) + len(self._waiting) + len(self._under_way)

    def backlog_bytes(self) -> int:
        """Return the bytes of values that wait for a place under way."""
        gathered = sum(part.size for part in self._gathered.values())
        return gathered + sum(_size(owed.message) for owed in self._waiting)

    def backlog(self) -> int:
        """Return how many messages wait for a place under way."""
        return len(self._waiting)

    def tokens(self) -> set[str]:
        """Return the tokens with something owed."""
        found = set(self._gathered) | {token for token, _ in self._states}
        for owed in (*self._waiting, *self._under_way.values()):
            if not owed.is_dropped:
                found.update(_tokens(owed.message))
        return found

    # In

    def add_done(self, token: str, indexes: list[int], values: list[bytes], seconds: list[float], now: float) -> None:
        """Gather results of a token, in columns of equal length."""
        for start in range(0, len(indexes), GATHER_UNITS):
            part = slice(start, start + GATHER_UNITS)
            self._add_done(token, indexes[part], values[part], seconds[part], now)

    def _add_done(self, token: str, indexes: list[int], values: list[bytes], seconds: list[float], now: float) -> None:
        size = sum(map(len, values))
        if size > GATHER_BYTES and len(indexes) > 1:
            middle = len(indexes) // 2
            self._add_done(token, indexes[:middle], values[:middle], seconds[:middle], now)
            self._add_done(token, indexes[middle:], values[middle:], seconds[middle:], now)
            return
        gathering = self._room(token, len(indexes), size, now)
        for column, new in zip(gathering.done, (indexes, values, seconds), strict=True):
            column.extend(new)  # type: ignore[attr-defined]
        self._drop_states(token, indexes)

    def add_failed(self, token: str, indexes: list[int], errors: list[str], kinds: list[str], now: float) -> None:
        """Gather failures of a token, in columns of equal length."""
        for start in range(0, len(indexes), GATHER_UNITS):
            part = slice(start, start + GATHER_UNITS)
            size = sum(map(len, errors[part]))
            gathering = self._room(token, len(indexes[part]), size, now)
            for column, new in zip(gathering.failed, (indexes[part], errors[part], kinds[part]), strict=True):
                column.extend(new)  # type: ignore[attr-defined]
        self._drop_states(token, indexes)

    def _room(self, token: str, units: int, size: int, now: float) -> _Gathering:
        """Return a gathering that can take this much more; a full one is sealed first."""
        gathering = self._gathered.get(token)
        if gathering is not None:
            held = len(gathering.done[0]) + len(gathering.failed[0])
            if held + units > GATHER_UNITS or gathering.size + size > GATHER_BYTES:
                self.seal(token)
                gathering = None
        if gathering is None:
            gathering = self._gathered[token] = _Gathering(since=now)
        gathering.size += size
        return gathering

    def add_state(self, token: str, index: int, state: bytes) -> None:
        """Keep a unit's newest state; an older one that was not sent is forgotten."""
        self._states[token, index] = state

    def add_release(self, tokens: list[str], indexes: list[list[int]]) -> None:
        """Give units back, after everything that is owed already, their newest states too."""
        for token in list(self._gathered):
            self.seal(token)
        for token, part in zip(tokens, indexes, strict=True):
            for index in [index for index in part if (token, index) in self._states]:
                self._waiting.append(
                    _Owed(Checkpoint(token=token, index=index, state=self._states.pop((token, index))))
                )
        self._waiting.append(_Owed(Release(tokens=tokens, indexes=indexes)))

    def seal(self, token: str) -> None:
        """End the gathering of a token, for instance because its last unit was answered."""
        gathering = self._gathered.pop(token, None)
        if gathering is not None:
            self._waiting.extend(_Owed(message) for message in gathering.messages(token))

    # Out

    def take(self, now: float) -> list[tuple[int, FromClient]]:
        """Return what is to be sent now, each under its own number."""
        self._seal_due(now)
        room = MAX_UNACKED - len(self._under_way)
        ready = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        for unit in self._due_states(now)[: room - len(ready)]:
            self._state_sent[unit] = now
            ready.append(_Owed(Checkpoint(token=unit[0], index=unit[1], state=self._states.pop(unit))))
        return [(self._send(owed, now), owed.message) for owed in ready]

    def _send(self, owed: _Owed, now: float) -> int:
        self._last_number += 1
        owed.sent_at = now
        self._under_way[self._last_number] = owed
        return self._last_number

    def _seal_due(self, now: float) -> None:
        due = [t for t, part in self._gathered.items() if part.since + GATHER_S <= now or _units(part) >= GATHER_UNITS]
        for token in due:
            self.seal(token)

    def _due_states(self, now: float) -> list[Unit]:
        return [unit for unit in self._states if self._state_due(unit) <= now]

    def _state_due(self, unit: Unit) -> float:
        sent_at = self._state_sent.get(unit)
        return float("-inf") if sent_at is None else sent_at + CHECKPOINT_GAP_S

    def acknowledged(self, number: int) -> FromClient | None:
        """Forget a message; return it, or None when it was not under way or its token died."""
        owed = self._under_way.pop(number, None)
        return None if owed is None or owed.is_dropped else owed.message

    def connection_lost(self, was_error: bool) -> list[FromClient]:
        """Put everything unacknowledged back in front, oldest first.

        Args:
            was_error: The peer closed with an error message, so one of these may be its cause.

        Returns:
            Messages given up because they saw too many connections end that way.
        """
        back = [owed for _, owed in sorted(self._under_way.items()) if not owed.is_dropped]
        self._under_way.clear()
        given_up = []
        for owed in reversed(back):
            owed.strikes += was_error
            if owed.strikes >= MAX_STRIKES:
                given_up.append(owed.message)
            else:
                self._waiting.appendleft(owed)
        return given_up

    def drop(self, token: str) -> None:
        """Forget all that is owed about a token; what is under way is not sent again."""
        self._gathered.pop(token, None)
        for unit in [unit for unit in self._states if unit[0] == token]:
            del self._states[unit]
        self._waiting = deque(o for o in self._waiting if token not in _tokens(o.message))
        for owed in self._under_way.values():
            owed.is_dropped = owed.is_dropped or token in _tokens(owed.message)
        self.forget_times(token)

    def forget_times(self, token: str) -> None:
        """Forget when states of this token were sent."""
        for unit in [unit for unit in self._state_sent if unit[0] == token]:
            del self._state_sent[unit]

    def next_deadline(self) -> float | None:
        """Return when ``take`` has something to do by time alone."""
        times = [part.since + GATHER_S for part in self._gathered.values()]
        if len(self._under_way) < MAX_UNACKED:
            times += [self._state_due(unit) for unit in self._states if unit in self._state_sent]
        return min(times, default=None)

    def oldest_sent(self) -> float | None:
        """Return when the message that waits longest for its acknowledgement was sent."""
        return min((owed.sent_at for owed in self._under_way.values()), default=None)

    def _drop_states(self, token: str, indexes: list[int]) -> None:
        if not self._states:
            return
        for index in indexes:
            self._states.pop((token, index), None)


def _units(part: _Gathering) -> int:
    return len(part.done[0]) + len(part.failed[0])


def _tokens(message: FromClient) -> list[str]:
    """Return the token a message would die with; a Release names many and is harmless when late."""
    return [message.token] if isinstance(message, Results | Failed | Checkpoint) else []


def _size(message: FromClient) -> int:
    return sum(map(len, message.values)) if isinstance(message, Results) else 0
