"""A session with the world around it played by hand: a distributor's memory, slots, and a clock that is moved.

Rule: it checks on every command what must always hold, so each test gets those checks for nothing.
"""

from msgspec import structs

from disio_client import events as ev
from disio_client.session import HELLO, Session
from disio_shared.messages import (
    Assign,
    Cancel,
    Checkpoint,
    Error,
    Failed,
    FromClient,
    Hello,
    Progress,
    Ready,
    Release,
    Results,
    Stored,
    ToClient,
    Welcome,
)

HELLO_MESSAGE = Hello(version=1, kind="cli", languages=["javascript"], cores=2)


class Rig:
    """Feeds events in and carries commands out."""

    def __init__(self, slots: int = 2, languages: list[str] | None = None) -> None:
        self.session = Session(structs.replace(HELLO_MESSAGE, languages=languages or ["javascript"]), slots)
        self.now = 1000.0
        self.is_open = False
        self.hello: Hello | None = None
        self.under_way: dict[int, FromClient] = {}
        self.ready_asked = 0
        self.runs: dict[int, ev.StartRun] = {}
        self.open: dict[int, list[int]] = {}
        self.stopped: list[int] = []
        self.fetching: list[str] = []
        self.progress: list[Progress] = []
        self.said: list[ev.Say] = []
        self.changes: list[ev.Change] = []
        self.reconnects: list[ev.Reconnect] = []
        self.gave_up: ev.GiveUp | None = None
        self.has_left = False
        self.tokens: dict[str, list[int]] = {}
        self.stored: dict[tuple[str, int], str] = {}
        self.saved: dict[tuple[str, int], bytes] = {}
        self.released: set[tuple[str, int]] = set()
        self.cancelled: set[str] = set()
        self.cancelled_units: set[tuple[str, int]] = set()
        for slot in range(slots):
            self.feed(ev.SlotUp(slot))

    def feed(self, event: ev.Event) -> None:
        """Hand one event in, perform what follows."""
        decision = self.session.handle(event, self.now)
        self.changes += decision.changes
        for command in decision.commands:
            self._perform(command)

    def tick(self, seconds: float) -> None:
        """Move the clock to each deadline on the way, as a shell would."""
        end = self.now + seconds
        for _ in range(10_000):
            deadline = self.session.next_deadline()
            if deadline is None or deadline > end:
                self.now = end
                return
            self.now = max(self.now, deadline)
            self.feed(ev.Tick())
            after = self.session.next_deadline()
            assert after is None or after > self.now, "a deadline that a Tick does not move makes the shell spin"
        raise AssertionError("too many deadlines")

    def _perform(self, command: ev.Command) -> None:
        match command:
            case ev.SendAcked(number, message):
                self._send_acked(number, message)
            case ev.Send(message):
                assert self.session.is_online
                self.ready_asked += isinstance(message, Ready)
                assert self.ready_asked <= 1, "a second Ready before the first was answered"
                if isinstance(message, Progress):
                    assert not self.cancelled_of(message.token, message.indexes)
                    self.progress.append(message)
            case ev.StartRun():
                assert command.slot not in self.runs, "a run for a slot that is not free"
                busy = {(run.token, index) for slot, run in self.runs.items() for index in self.open[slot]}
                assert not busy & {(command.token, index) for index in command.indexes}, "a unit in two slots"
                assert command.token not in self.cancelled
                assert not self.cancelled_of(command.token, command.indexes), "a cancelled unit is started"
                self.runs[command.slot], self.open[command.slot] = command, list(command.indexes)
            case ev.StopSlot(slot):
                self.stopped.append(slot)
                self.runs.pop(slot)
                self.open.pop(slot)
            case _:
                self._perform_rest(command)

    def _perform_rest(self, command: ev.Command) -> None:
        match command:
            case ev.FetchCode(workunit):
                assert workunit not in self.fetching, "one fetch at a time"
                self.fetching.append(workunit)
            case ev.Say():
                self.said.append(command)
            case ev.Reconnect():
                self.reconnects.append(command)
                self.is_open = False
                self._lose_connection()
            case ev.GiveUp():
                self.gave_up = command
            case ev.Left():
                self.has_left = True

    def _send_acked(self, number: int, message: FromClient) -> None:
        assert self.is_open
        if isinstance(message, Hello):
            assert number == HELLO
            self.hello = message
            return
        assert self.session.is_online
        assert number not in self.under_way, "a number used twice"
        self.under_way[number] = message
        assert len(self.under_way) <= 4, "more than four messages unacknowledged"
        assert getattr(message, "token", None) not in self.cancelled, "a word about a cancelled token"
        for token, indexes in units_in(message):
            assert not self.cancelled_of(token, indexes), "a word about a cancelled unit"

    def cancelled_of(self, token: str, indexes: list[int]) -> list[int]:
        """Return which of these units were cancelled one by one."""
        return [index for index in indexes if (token, index) in self.cancelled_units]

    def _lose_connection(self) -> None:
        self.under_way.clear()
        self.ready_asked = 0

    # The distributor

    def connect(self) -> None:
        self.is_open = True
        self.feed(ev.Connected())

    def welcome(self, heartbeat_s: float = 10.0, max_result_bytes: int = 1000) -> None:
        answer = Welcome(
            version=1,
            client_id="c1",
            secret="s",
            distributor="d",
            heartbeat_s=heartbeat_s,
            max_result_bytes=max_result_bytes,
            max_state_bytes=100,
        )
        self.feed(ev.Acknowledged(HELLO, answer))

    def go_online(self) -> None:
        self.connect()
        self.welcome()

    def disconnect(self) -> None:
        self.is_open = False
        self._lose_connection()
        self.feed(ev.Disconnected())

    def receive(self, message: ToClient) -> None:
        self.feed(ev.Received(message))

    def assign(
        self,
        count: int,
        task: str = "task",
        workunit: str = "w",
        timeout_s: float = 5.0,
        language: str = "javascript",
    ) -> str:
        token = f"t{len(self.tokens)}"
        indexes = list(range(len(self.tokens) * 1000, len(self.tokens) * 1000 + count))
        self.tokens[token] = indexes
        self.ready_asked = 0
        self.receive(
            Assign(
                token=token,
                task=task,
                task_name=task,
                workunit=workunit,
                language=language,
                indexes=indexes,
                payloads=[b"%d" % index for index in indexes],
                unit_timeout_s=timeout_s,
            )
        )
        return token

    def acknowledge(self, number: int, dead: bool = False) -> None:
        """Store what came under this number and say so."""
        message = self.under_way.pop(number, None)
        if message is None:
            return
        self._store(message)
        if dead and isinstance(message, Results | Failed | Checkpoint):
            self.cancelled.add(message.token)
        self.feed(ev.Acknowledged(number, Stored(accepted=1, dead=dead)))

    def refuse(self, number: int, code: str = "full", reason: str = "its disk is full") -> None:
        """Say that there is no room for what came under this number."""
        if self.under_way.pop(number, None) is not None:
            self.feed(ev.Acknowledged(number, Error(code=code, reason=reason)))

    def cancel_units(self, token: str, indexes: list[int]) -> None:
        """Take units of a batch back."""
        self.cancelled_units |= {(token, index) for index in indexes}
        self.receive(Cancel(task="task", tokens=[token], indexes=[indexes]))

    def _store(self, message: FromClient) -> None:
        if isinstance(message, Release):
            for token, indexes in zip(message.tokens, message.indexes, strict=True):
                self.released |= {(token, index) for index in indexes}
        elif isinstance(message, Checkpoint):
            assert (message.token, message.index) not in self.stored
            self.saved[message.token, message.index] = message.state
        elif isinstance(message, Results | Failed):
            for index in message.indexes:
                assert (message.token, index) not in self.stored, "a result sent again after its acknowledgement"
                self.stored[message.token, index] = "done" if isinstance(message, Results) else "failed"

    # The slots

    def code_arrives(self) -> None:
        for workunit in self.fetching:
            self.feed(ev.CodeReady(workunit))
        self.fetching.clear()

    def finish_units(self, slot: int, count: int, fails: bool = False) -> None:
        """Answer the next units of a slot's run; end the run when none is left."""
        run, left = self.runs[slot], self.open[slot]
        indexes = left[:count]
        del left[:count]
        size = len(indexes)
        if fails:
            self.feed(ev.UnitsFailed(slot, run.run, indexes, ["boom"] * size, ["error"] * size))
        elif indexes:
            self.feed(ev.UnitsDone(slot, run.run, indexes, [b"1"] * size, [0.1] * size))
        if not left and self.runs.get(slot) is run:
            del self.runs[slot], self.open[slot]
            self.feed(ev.RunFinished(slot, run.run))

    def run_all(self) -> None:
        """Let everything at hand run to its end and be stored."""
        for _ in range(1000):
            self.code_arrives()
            for slot in self.stopped:
                self.feed(ev.SlotUp(slot))
            self.stopped.clear()
            for slot in list(self.runs):
                self.finish_units(slot, 100)
            for number in sorted(self.under_way):
                self.acknowledge(number)
            if not (self.runs or self.under_way or self.stopped or self.fetching):
                self.tick(20.0)
                if not (self.runs or self.under_way or self.fetching or len(self.session.outbox)):
                    return
        raise AssertionError("it never comes to an end")

    def unaccounted(self) -> set[tuple[str, int]]:
        """Return what was assigned and neither stored, released nor cancelled."""
        return {
            (token, index)
            for token, indexes in self.tokens.items()
            if token not in self.cancelled
            for index in indexes
            if (token, index) not in self.stored
            and (token, index) not in self.released
            and (token, index) not in self.cancelled_units
        }


def units_in(message: FromClient) -> list[tuple[str, list[int]]]:
    """Return the units a message speaks of, by token."""
    if isinstance(message, Results | Failed):
        return [(message.token, message.indexes)]
    if isinstance(message, Checkpoint):
        return [(message.token, [message.index])]
    return list(zip(message.tokens, message.indexes, strict=True)) if isinstance(message, Release) else []
