"""Whatever the network, the distributor and the slots do, no unit is lost and none is reported twice."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disio_client import events as ev
from disio_shared.messages import Cancel, Pause, Resume, Stored
from tests.unit.client_cli.session_rig import Rig


class SessionMachine(RuleBasedStateMachine):
    """Random days of a client; the rig asserts on every command."""

    @initialize(slots=st.integers(1, 3))
    def start(self, slots: int) -> None:
        self.rig = Rig(slots)
        self.numbers: list[int] = []
        self.is_leaving = False
        self.given_back: set[str] = set()

    @precondition(lambda self: not self.rig.is_open)
    @rule()
    def connect(self) -> None:
        self.rig.connect()
        assert self.rig.hello is not None
        owed = {token for token, _ in self.rig.unaccounted() if not self.is_leaving}
        assert owed - self.given_back <= set(self.rig.hello.holding), "unfinished, and not named"

    @precondition(lambda self: self.rig.is_open and not self.rig.session.is_online)
    @rule()
    def welcome(self) -> None:
        self.rig.welcome()

    @precondition(lambda self: self.rig.is_open)
    @rule()
    def disconnect(self) -> None:
        self.rig.disconnect()

    @precondition(lambda self: self.rig.ready_asked)
    @rule(count=st.integers(1, 40), task=st.sampled_from(["a", "b"]), workunit=st.sampled_from(["w1", "w2"]))
    def assign(self, count: int, task: str, workunit: str) -> None:
        self.rig.assign(count, task, workunit)

    @precondition(lambda self: self.rig.session.is_online)
    @rule()
    def assign_unasked(self) -> None:
        if not self.rig.ready_asked:
            self.given_back.add(self.rig.assign(3))

    @precondition(lambda self: self.rig.under_way)
    @rule(data=st.data(), dead=st.sampled_from([False, False, False, True]))
    def acknowledge_in_any_order(self, data: st.DataObject, dead: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.rig.under_way)))
        self.numbers.append(number)
        self.rig.acknowledge(number, dead)

    @precondition(lambda self: self.rig.session.is_online and self.numbers)
    @rule(data=st.data())
    def repeat_an_acknowledgement(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        if number not in self.rig.under_way:
            self.rig.feed(ev.Acknowledged(number, Stored(accepted=0)))

    @rule()
    def code_arrives(self) -> None:
        self.rig.code_arrives()

    @precondition(lambda self: self.rig.fetching)
    @rule(is_final=st.booleans())
    def code_is_missing(self, is_final: bool) -> None:
        self.given_back |= set(self.rig.tokens)
        self.rig.feed(ev.CodeMissing(self.rig.fetching.pop(0), "gone", is_final))

    @precondition(lambda self: self.rig.runs)
    @rule(data=st.data(), count=st.integers(1, 10), fails=st.booleans())
    def units_end(self, data: st.DataObject, count: int, fails: bool) -> None:
        self.rig.finish_units(data.draw(st.sampled_from(sorted(self.rig.runs))), count, fails)

    @precondition(lambda self: self.rig.runs)
    @rule(data=st.data(), state=st.binary(max_size=120))
    def unit_saves_state(self, data: st.DataObject, state: bytes) -> None:
        slot = data.draw(st.sampled_from(sorted(self.rig.runs)))
        run = self.rig.runs[slot]
        self.rig.feed(ev.StateSaved(slot, run.run, self.rig.open[slot][0], state))
        self.rig.feed(ev.UnitProgressed(slot, run.run, self.rig.open[slot][0], 0.5))

    @precondition(lambda self: self.rig.runs)
    @rule(data=st.data())
    def slot_is_lost(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.rig.runs)))
        del self.rig.runs[slot], self.rig.open[slot]
        self.rig.feed(ev.SlotLost(slot, "no engine"))
        self.rig.stopped.append(slot)

    @precondition(lambda self: self.rig.stopped)
    @rule()
    def slots_come_up(self) -> None:
        while self.rig.stopped:
            self.rig.feed(ev.SlotUp(self.rig.stopped.pop()))

    @precondition(lambda self: self.rig.session.is_online and self.rig.tokens)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.rig.tokens)))
        self.rig.cancelled.add(token)
        self.rig.receive(Cancel(task="a", tokens=[token]))

    @precondition(lambda self: self.rig.session.is_online and self.rig.tokens)
    @rule(data=st.data())
    def cancel_units(self, data: st.DataObject) -> None:
        rig = self.rig
        before = {slot: (run.token, rig.open[slot][0]) for slot, run in rig.runs.items()}
        token, running = data.draw(st.sampled_from([*before.values(), *((name, -1) for name in sorted(rig.tokens))]))
        indexes = data.draw(st.lists(st.sampled_from(rig.tokens[token]), min_size=running < 0, unique=True))
        indexes += [running] if running >= 0 and running not in indexes else []
        rig.cancel_units(token, indexes)
        ended = {slot for slot in before if slot in rig.stopped}
        assert ended == {slot for slot, unit in before.items() if unit in rig.cancelled_units}

    @precondition(lambda self: self.rig.under_way)
    @rule(data=st.data(), code=st.sampled_from(["full", "unavailable"]))
    def there_is_no_room(self, data: st.DataObject, code: str) -> None:
        self.rig.refuse(data.draw(st.sampled_from(sorted(self.rig.under_way))), code)

    @precondition(lambda self: self.rig.session.is_online)
    @rule(is_pause=st.booleans())
    def pause(self, is_pause: bool) -> None:
        self.rig.receive(Pause(reason="busy") if is_pause else Resume())

    @rule(seconds=st.floats(0.01, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.rig.tick(seconds)

    @precondition(lambda self: not self.is_leaving)
    @rule(patience_s=st.sampled_from([0.0, 3.0]), is_wanted=st.integers(0, 9))
    def leave(self, patience_s: float, is_wanted: int) -> None:
        if is_wanted == 0:
            self.is_leaving = True
            self.rig.feed(ev.LeaveAsked(patience_s))

    @invariant()
    def every_unit_is_in_one_place(self) -> None:
        if not hasattr(self, "rig"):
            return
        for batch in self.rig.session.work.batches.values():
            in_runs = sum(
                len(run.open)
                for run in self.rig.session.work.slots.values()
                if run is not None and run.token == batch.assign.token
            )
            assert batch.running == in_runs

    @invariant()
    def no_cancelled_unit_runs(self) -> None:
        if hasattr(self, "rig"):
            for slot, run in self.rig.runs.items():
                assert (run.token, self.rig.open[slot][0]) not in self.rig.cancelled_units

    def teardown(self) -> None:
        """The end of the day: all is well again, and everything comes to its end."""
        if not hasattr(self, "rig"):
            return
        if self.rig.has_left:
            return
        if not self.rig.is_open:
            self.rig.connect()
        if not self.rig.session.is_online:
            self.rig.welcome()
        self.rig.receive(Resume())
        self.rig.run_all()
        assert self.is_leaving or not self.rig.unaccounted()


SessionMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSessionMachine = SessionMachine.TestCase
