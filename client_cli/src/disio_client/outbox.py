"""What the client owes the distributor: gathered, sent a few at a time, kept until it is stored.

Rule: a message leaves the outbox only when its acknowledgement came or its token died; at most ``MAX_UNACKED`` are
under way. Pure: time is an argument, in seconds.
"""

from collections import deque

from disio_client.owed import NO_LOGS, DoneColumns, Gathering, Logs, Owed, tokens_of, without
from disio_shared.messages import Checkpoint, FromClient, Release

MAX_UNACKED = 4
GATHER_S = 1.0
GATHER_UNITS = 500
GATHER_BYTES = 4 << 20
"""Bytes of values in one message; one value more may be added, so a message stays under the link's 16 MiB."""
MAX_STRIKES = 3
"""Connections a message may see closed with an error before it is taken for the cause."""
CHECKPOINT_GAP_S = 1.0
MAX_UNSENT_BYTES = 128 << 20
MAX_UNSENT_UNITS = 100_000
"""Answers kept for a distributor that is away or takes none; what runs when they are reached is kept too."""

Unit = tuple[str, int]


class Outbox:
    """Results, failures, checkpoints and releases on their way."""

    def __init__(self) -> None:
        self._gathered: dict[str, Gathering] = {}
        self._states: dict[Unit, bytes] = {}
        self._state_sent: dict[Unit, float] = {}
        self._waiting: deque[Owed] = deque()
        self._under_way: dict[int, Owed] = {}
        self._last_number = 0

    def __len__(self) -> int:
        """Return how many messages and gatherings are owed."""
        return len(self._gathered) + len(self._waiting) + len(self._under_way)

    def backlog_bytes(self) -> int:
        """Return the bytes of values that wait for a place under way."""
        gathered = sum(part.size for part in self._gathered.values())
        return gathered + sum(owed.size for owed in self._waiting)

    def backlog_units(self) -> int:
        """Return how many answers wait for a place under way."""
        return sum(part.units for part in self._gathered.values()) + sum(owed.units for owed in self._waiting)

    @property
    def is_full(self) -> bool:
        """Tell whether no unit may be started, lest its answer finds no place."""
        if not self._gathered and not self._waiting:
            return False
        return self.backlog_bytes() >= MAX_UNSENT_BYTES or self.backlog_units() >= MAX_UNSENT_UNITS

    def backlog(self) -> int:
        """Return how many messages wait for a place under way."""
        return len(self._waiting)

    def tokens(self) -> set[str]:
        """Return the tokens with something owed."""
        found = set(self._gathered) | {token for token, _ in self._states}
        for owed in (*self._waiting, *self._under_way.values()):
            if not owed.is_dropped:
                found.update(tokens_of(owed.message))
        return found

    # In

    def add_done(
        self,
        token: str,
        indexes: list[int],
        values: list[bytes],
        seconds: list[float],
        now: float,
        logs: Logs = NO_LOGS,
    ) -> None:
        """Gather results of a token, in columns of equal length; ``logs`` are what units wrote, by index."""
        for start in range(0, len(indexes), GATHER_UNITS):
            part = slice(start, start + GATHER_UNITS)
            self._add_done(token, (indexes[part], values[part], seconds[part]), now, logs)

    def _add_done(self, token: str, columns: DoneColumns, now: float, logs: Logs) -> None:
        indexes, values, seconds = columns
        size = sum(map(len, values))
        if size > GATHER_BYTES and len(indexes) > 1:
            middle = len(indexes) // 2
            self._add_done(token, (indexes[:middle], values[:middle], seconds[:middle]), now, logs)
            self._add_done(token, (indexes[middle:], values[middle:], seconds[middle:]), now, logs)
            return
        gathering = self._room(token, len(indexes), size, now)
        for column, new in zip(gathering.done, columns, strict=True):
            column.extend(new)  # type: ignore[attr-defined]
        gathering.add_logs(indexes, logs)
        self._drop_states(token, indexes)

    def add_failed(
        self, token: str, indexes: list[int], errors: list[str], kinds: list[str], now: float, logs: Logs = NO_LOGS
    ) -> None:
        """Gather failures of a token, in columns of equal length."""
        for start in range(0, len(indexes), GATHER_UNITS):
            part = slice(start, start + GATHER_UNITS)
            size = sum(map(len, errors[part]))
            gathering = self._room(token, len(indexes[part]), size, now)
            for column, new in zip(gathering.failed, (indexes[part], errors[part], kinds[part]), strict=True):
                column.extend(new)  # type: ignore[attr-defined]
            gathering.add_logs(indexes[part], logs)
        self._drop_states(token, indexes)

    def _room(self, token: str, units: int, size: int, now: float) -> Gathering:
        """Return a gathering that can take this much more; a full one is sealed first."""
        gathering = self._gathered.get(token)
        if gathering is not None:
            held = len(gathering.done[0]) + len(gathering.failed[0])
            if held + units > GATHER_UNITS or gathering.size + size > GATHER_BYTES:
                self.seal(token)
                gathering = None
        if gathering is None:
            gathering = self._gathered[token] = Gathering(since=now)
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
                self._waiting.append(Owed(Checkpoint(token=token, index=index, state=self._states.pop((token, index)))))
        self._waiting.append(Owed(Release(tokens=tokens, indexes=indexes)))

    def seal(self, token: str) -> None:
        """End the gathering of a token, for instance because its last unit was answered."""
        gathering = self._gathered.pop(token, None)
        if gathering is not None:
            self._waiting.extend(Owed(message) for message in gathering.messages(token))

    # Out

    def take(self, now: float, is_held: bool = False) -> list[tuple[int, FromClient]]:
        """Return what is to be sent now, each under its own number.

        Args:
            now: Seconds.
            is_held: Results and failures, and what else was refused, wait.
        """
        if self._gathered:
            self._seal_due(now)
        room = MAX_UNACKED - len(self._under_way)
        ready = self._take_waiting(room, is_held) if self._waiting else []
        for unit in self._due_states(now)[: room - len(ready)] if self._states else ():
            self._state_sent[unit] = now
            ready.append(Owed(Checkpoint(token=unit[0], index=unit[1], state=self._states.pop(unit))))
        return [(self._send(owed, now), owed.message) for owed in ready]

    def _take_waiting(self, room: int, is_held: bool) -> list[Owed]:
        if not is_held:
            return [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        ready = [owed for owed in self._waiting if not owed.must_wait][:room]
        for owed in ready:
            self._waiting.remove(owed)
        return ready

    def _send(self, owed: Owed, now: float) -> int:
        self._last_number += 1
        owed.sent_at = now
        self._under_way[self._last_number] = owed
        return self._last_number

    def _seal_due(self, now: float) -> None:
        due = [t for t, part in self._gathered.items() if part.since + GATHER_S <= now or part.units >= GATHER_UNITS]
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

    def refused(self, number: int) -> bool:
        """Keep a message that the peer has no room for; return whether it is still owed.

        A checkpoint is let go: the unit's next one takes its place.
        """
        owed = self._under_way.pop(number, None)
        if owed is None or owed.is_dropped or isinstance(owed.message, Checkpoint):
            return False
        owed.is_refused = True
        self._waiting.appendleft(owed)
        return True

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
        self._waiting = deque(o for o in self._waiting if token not in tokens_of(o.message))
        for owed in self._under_way.values():
            owed.is_dropped = owed.is_dropped or token in tokens_of(owed.message)
        self.forget_times(token)

    def drop_units(self, token: str, indexes: set[int]) -> None:
        """Forget what is owed about units of a token; what is under way of them is not sent again."""
        gathering = self._gathered.get(token)
        if gathering is not None and not gathering.drop(indexes):
            del self._gathered[token]
        for unit in [unit for unit in (*self._states, *self._state_sent) if unit[0] == token and unit[1] in indexes]:
            self._states.pop(unit, None)
            self._state_sent.pop(unit, None)
        for owed in (*self._waiting, *self._under_way.values()):
            rest = without(owed.message, token, indexes)
            owed.is_dropped = owed.is_dropped or rest is None
            if rest is not None and rest is not owed.message:
                owed.message = rest
                owed.weigh()
        self._waiting = deque(owed for owed in self._waiting if not owed.is_dropped)

    def forget_times(self, token: str) -> None:
        """Forget when states of this token were sent."""
        for unit in [unit for unit in self._state_sent if unit[0] == token]:
            del self._state_sent[unit]

    def next_deadline(self) -> float | None:
        """Return when ``take`` has something to do by time alone."""
        times = [part.since + GATHER_S for part in self._gathered.values()]
        if self._states and len(self._under_way) < MAX_UNACKED:
            times += [self._state_due(unit) for unit in self._states if unit in self._state_sent]
        return min(times) if times else None

    def oldest_sent(self) -> float | None:
        """Return when the message that waits longest for its acknowledgement was sent."""
        for owed in self._under_way.values():
            return owed.sent_at  # they are sent in this order
        return None

    def _drop_states(self, token: str, indexes: list[int]) -> None:
        if not self._states:
            return
        for index in indexes:
            self._states.pop((token, index), None)
