"""Scheduling across tasks and clients: whose turn it is, first batches, nobody idle beside work."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from disio_distributor.core import events, offers
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, check_idle, hello, manifest
from tests.unit.distributor.core.scenes import assigned, serving

LANGUAGES = ("javascript", "wasm", "python")


def test_a_new_client_starts_at_the_pace_of_others() -> None:
    bench = serving(stop=1_000_000)
    bench.join("old")
    for _ in range(5):
        assign = assigned(bench, "old")
        bench.results("old", assign.token, assign.indexes, seconds=0.01)
    bench.join("new", cores=4)
    assert len(assigned(bench, "new", slots=4).indexes) == 600, "half of 3 s on four slots"
    assert bench.ready("new", slots=4) is None, "no more before it has shown its own"


def test_a_slow_client_is_taken_for_slow_with_the_next_task_too() -> None:
    bench = serving(stop=1_000_000)
    bench.join("quick")
    bench.join("slow")
    for _ in range(12):
        for session, seconds in (("quick", 0.01), ("slow", 0.08)):
            assign = assigned(bench, session)
            bench.results(session, assign.token, assign.indexes, seconds=seconds)
    bench.grant(0, 1_000_000, manifest("u", priority=1))
    for _ in range(4):
        assign = assigned(bench, "quick")
        bench.results("quick", assign.token, assign.indexes, seconds=0.05)
    quick, slow = len(bench.to("quick", messages.Assign)[-1].indexes), len(assigned(bench, "slow").indexes)
    assert quick == 120
    assert slow < 40, "half of what it would get at its own pace"


def test_a_client_that_fails_at_once_gets_no_large_batch() -> None:
    bench = serving(stop=1_000_000)
    bench.join("good")
    for _ in range(5):
        assign = assigned(bench, "good")
        bench.results("good", assign.token, assign.indexes, seconds=0.01)
    bench.join("bad")
    assign = assigned(bench, "bad")
    bench.failed("bad", assign.token, assign.indexes)
    assert len(assigned(bench, "bad").indexes) == 2


def test_a_new_task_goes_to_the_very_next_ready_beside_a_large_one() -> None:
    bench = serving(stop=1_000_000)
    bench.join("a")
    for _ in range(6):
        assign = assigned(bench, "a")
        bench.results("a", assign.token, assign.indexes, seconds=0.01)
    assert assigned(bench, "a").task == "t", "a batch waits in the client"
    bench.grant(0, 3, manifest("small"))
    assert assigned(bench, "a").task == "small"


def test_a_task_that_had_nothing_for_a_while_is_owed_nothing() -> None:
    bench = serving(stop=2)
    bench.join("a")
    first = assigned(bench, "a")
    bench.results("a", first.token, first.indexes, seconds=2.0)
    bench.grant(0, 10_000, manifest("u"))
    for _ in range(10):
        assign = assigned(bench, "a")
        bench.results("a", assign.token, assign.indexes, seconds=2.0)
    bench.grant(100, 10_000)
    tasks = []
    for _ in range(8):
        assign = assigned(bench, "a")
        tasks.append(assign.task)
        bench.results("a", assign.token, assign.indexes, seconds=2.0)
    assert 3 <= tasks.count("t") <= 5


def test_a_client_with_enough_of_one_task_is_served_from_the_next_and_waits_when_it_has_enough_of_all() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 100, manifest("a"))
    bench.grant(0, 100, manifest("b", priority=1))
    bench.join("s")
    assert [assigned(bench, "s").task, assigned(bench, "s").task] == ["b", "a"]
    assert bench.ready("s") is None
    bench.manager(messages.TaskState(task="a", state="cancelled"))
    bench.grant(0, 100, manifest("c"))
    assert bench.to("s", messages.Assign)[-1].task == "c"


def test_whoever_waits_beside_an_own_batch_is_served_when_that_is_taken_away() -> None:
    bench = serving(stop=100)
    bench.grant(100, 200)
    bench.join("s")
    assigned(bench, "s")
    assert bench.ready("s") is None
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block="t0", lease=1)]))
    assert bench.to("s", messages.Assign)[-1].indexes[0] == 100


# Offers


def test_an_offer_is_answered_with_a_fair_part_of_what_is_wanted() -> None:
    bench = serving(stop=10)
    bench.join("a", cores=4)
    bench.manager(messages.Offer(tasks=["t", "new"]))
    (ask,) = [each for each in bench.to_manager(messages.Ask) if each.only]
    assert (ask.only, ask.payloads) == (["new"], 16)
    for _ in range(30):
        assign = bench.ready("a", slots=4)
        if assign is None:
            bench.grant(1000, 2000)
            continue
        bench.wait(0.1)
        bench.results("a", assign.token, assign.indexes, seconds=0.01)
    bench.manager(messages.Offer(tasks=["new"]))
    large = [each for each in bench.to_manager(messages.Ask) if each.only][-1]
    assert large.payloads > 1_000, "half of what is held at this rate"


def test_an_urgent_task_is_asked_for_as_if_less_urgent_ones_were_not_held() -> None:
    bench = Bench()
    bench.admit()
    bench.join("a", cores=10)
    bench.grant(0, 1000, manifest("low", priority=-1))
    bench.grant(0, 1000, manifest("equal"))
    bench.grant(0, 1, manifest("urgent"))
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block="urgent0", lease=1)]))
    state = bench.core._state
    assert offers.fair_part(state, "k", ["urgent"], aim=1200, least=10) == 600
    assert offers.fair_part(state, "k", ["new"], aim=1200, least=10) == 400
    assert offers.fair_part(state, "k", ["urgent"], aim=12, least=10) == 10
    assert offers.welcome(state, messages.Offer(tasks=["urgent", "low"])) == ["urgent"]


def test_no_offer_is_taken_up_that_nobody_here_can_run() -> None:
    bench = serving()
    bench.grant(0, 1, manifest("w", language="wasm"))
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block="w0", lease=1)]))
    bench.join("a", languages=["javascript"])
    bench.manager(messages.Offer(tasks=["w"]))
    assert not [each for each in bench.to_manager(messages.Ask) if each.only]


# Nobody idle

events_of = st.one_of(
    st.tuples(st.just("ready"), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("results"), st.integers(0, 3), st.sampled_from([0.001, 0.5, 4.0, 40.0])),
    st.tuples(st.just("failed"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("release"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("gone"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("grant"), st.integers(0, 5), st.integers(1, 12)),
    st.tuples(st.just("state"), st.integers(0, 5), st.sampled_from(["paused", "running", "cancelled"])),
    st.tuples(st.just("revoke"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("wait"), st.just(0), st.sampled_from([0.1, 3.0, 20.0, 70.0])),
)


class Crowd:
    """Four clients and six tasks, all different."""

    def __init__(self, data: st.DataObject) -> None:
        self.bench = Bench(tidy_s=10_000.0)
        self.bench.admit()
        some = st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=3, unique=True)
        self.languages = [data.draw(some) for _ in range(4)]
        self.memory = [data.draw(st.sampled_from([0, 64, 512])) for _ in range(4)]
        self.tasks = [
            manifest(
                f"t{number}",
                workunit=f"{number % 2}" * 64,
                language=data.draw(st.sampled_from(LANGUAGES)),
                memory_mb=data.draw(st.sampled_from([0, 64, 256])),
                priority=data.draw(st.integers(0, 1)),
            )
            for number in range(6)
        ]
        self.placed = 0
        for number in range(4):
            self.join(number)

    def join(self, number: int) -> None:
        welcome = hello(languages=self.languages[number], memory_mb=self.memory[number])
        self.bench.handle(events.ClientJoined(f"c{number}", f"c{number}", welcome, "127.0.0.1"))

    def do(self, what: str, which: int, how: Any) -> None:
        bench, session = self.bench, f"c{which}"
        held = bench.core._state.assignments.of_session(session)
        if what == "ready":
            bench.ready(session, slots=how)
        elif what == "results" and held:
            bench.results(session, held[0].token, list(held[0].open.indexes()), how)
        elif what == "failed" and held:
            bench.failed(session, held[0].token, list(held[0].open.indexes())[:1])
        elif what == "release" and held:
            bench.report(session, messages.Release(tokens=[held[-1].token], indexes=[[]]))
        elif what == "gone":
            bench.handle(events.ClientLeft(session))
            self.join(which)
        else:
            self.manage(what, which, how)

    def manage(self, what: str, which: int, how: Any) -> None:
        bench = self.bench
        if what == "grant":
            self.placed += 20
            bench.grant(self.placed, self.placed + how, self.tasks[which])
        elif what == "state":
            bench.manager(messages.TaskState(task=f"t{which}", state=how))
        elif what == "revoke":
            works = [work for name, work in bench.core._state.tasks.items() if name == f"t{which}" and work.blocks]
            refs = [messages.BlockRef(block=work.blocks[0].record.block, lease=1) for work in works]
            bench.manager(messages.Revoke(blocks=refs))
        elif what == "wait":
            bench.wait(how)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), life=st.lists(events_of, max_size=40))
def test_no_client_idles_while_anything_it_could_run_is_ready(data: st.DataObject, life: list[Any]) -> None:
    crowd = Crowd(data)
    for step in life:
        crowd.do(*step)
        check_idle(crowd.bench)
    check(crowd.bench)
