"""Several managers of one cluster: who is asked, who answers for a block, and where results go."""

from disio_distributor.core import commands, events
from disio_shared import messages
from disio_shared.messages import BlockRef
from tests.unit.distributor.core.bench import Bench, check, manifest, results_of
from tests.unit.distributor.core.scenes import assigned


def pair(**settings: object) -> Bench:
    """A bench with two managers of one cluster, and a block of each."""
    bench = Bench(**settings)
    bench.admit("one", manager="m1")
    bench.admit("two", manager="m2")
    bench.grant(0, 100, link="one")
    bench.grant(100, 200, link="two")
    return bench


def ref(start: int, manager: str, lease: int = 1) -> BlockRef:
    return BlockRef(block=f"t{start}", lease=lease, manager=manager)


def asked(bench: Bench) -> list[str]:
    """The links that were asked for payloads, in order."""
    sent = [each for each in bench.said if isinstance(each, commands.SendManager)]
    return [each.link for each in sent if isinstance(each.message, messages.Ask) and each.message.payloads]


def empty(bench: Bench, link: str) -> None:
    """Answer a link's last Ask with nothing."""
    request = bench.to_manager(messages.Ask, link)[-1].request
    bench.manager(messages.Grant(request=request, waiting="no task"), link)


def delivered(bench: Bench, link: str, since: int = 0) -> list[int]:
    sent = bench.to_manager(messages.Deliver, link, since)
    return sorted(index for each in sent for part in each.results for index in part.indexes)


def work(bench: Bench, session: str, slots: int = 4) -> messages.Assign:
    assign = assigned(bench, session, slots)
    bench.results(session, assign.token, assign.indexes, seconds=10.0)
    return assign


# Asking


def test_managers_are_asked_one_after_the_other_until_all_have_nothing() -> None:
    bench = Bench()
    for number in (1, 2, 3):
        bench.admit(f"l{number}", manager=f"m{number}")
    bench.join("a")
    assert asked(bench) == ["l1"]
    empty(bench, "l1")
    empty(bench, "l2")
    assert asked(bench) == ["l1", "l2", "l3"]
    empty(bench, "l3")
    bench.wait(20.0)
    assert asked(bench) == ["l1", "l2", "l3"], "all stand: they grant by themselves"
    bench.wait(15.0)
    assert sorted(asked(bench)[3:]) == ["l1"], "one at a time again, after a while without an answer"


def test_a_link_that_goes_leaves_its_place_to_the_next_one() -> None:
    bench = Bench()
    bench.admit("one", manager="m1")
    bench.admit("two", manager="m2")
    bench.join("a")
    bench.handle(events.ManagerLost("one"))
    assert asked(bench) == ["one", "two"]


def test_what_all_managers_stand_with_is_replaced_when_the_clients_change() -> None:
    bench = Bench()
    bench.admit("one", manager="m1")
    bench.admit("two", manager="m2")
    bench.join("a", languages=["javascript"])
    empty(bench, "one")
    empty(bench, "two")
    bench.join("b", languages=["wasm"])
    for link in ("one", "two"):
        assert bench.to_manager(messages.Ask, link)[-1].languages == ["javascript", "wasm"]


def test_a_standing_ask_is_granted_later_and_another_follows() -> None:
    bench = Bench()
    bench.admit("one", manager="m1")
    bench.admit("two", manager="m2")
    bench.join("a", cores=2)
    empty(bench, "one")
    request = bench.to_manager(messages.Ask, "one")[-1].request
    block = messages.BlockGrant(block="b", lease=1, task="t", start=0, stop=2)
    bench.manager(messages.Grant(request=request, tasks=[manifest()], blocks=[block]), "one")
    assert asked(bench) == ["one", "two"], "two has not answered yet"
    empty(bench, "two")
    assert asked(bench) == ["one", "two", "one"]


def test_an_offer_is_answered_with_an_ask_for_those_tasks_alone() -> None:
    bench = pair()
    bench.manager(messages.Offer(tasks=["x", "t"]), "one")
    assert [each.only for each in bench.to_manager(messages.Ask, "one") if each.only] == [], "no client wants any"
    bench.join("a", cores=2)
    standing = dict(bench.core._state.cluster("k").asked)
    bench.manager(messages.Offer(tasks=["x", "t"]), "one")
    (ask,) = [each for each in bench.to_manager(messages.Ask, "one") if each.only]
    assert (ask.only, 0 < ask.payloads <= 8) == (["x"], True)
    assert bench.core._state.cluster("k").asked == standing
    bench.manager(messages.Grant(request=ask.request), "one")
    assert bench.core._state.cluster("k").asked == standing


def test_a_manager_that_is_not_asked_hears_what_the_clients_can_run_and_what_changed() -> None:
    bench = pair()
    bench.join("a", languages=["javascript"])
    bench.grant(0, 10_000, link="one")
    told = [(each.payloads, each.languages) for each in bench.to_manager(messages.Ask, "two")]
    assert told == [(0, ["javascript"])]
    seen = len(bench.said)
    bench.handle(events.ManagerLost("one"))
    bench.admit("one", manager="m1")
    assert [each.payloads for each in bench.to_manager(messages.Ask, "one", seen)] == [0]
    bench.join("b", languages=["wasm"])
    for link in ("one", "two"):
        assert bench.to_manager(messages.Ask, link)[-1].languages == ["javascript", "wasm"]
    seen = len(bench.said)
    bench.join("c", languages=["wasm"])
    assert not bench.to_manager(messages.Ask, "one", seen)


# Blocks


def test_each_manager_hears_of_its_own_blocks_and_of_those_nobody_answers_for() -> None:
    bench = pair()
    bench.wait(5.0)
    assert bench.to_manager(messages.Status, "one")[-1].held == [ref(0, "m1")]
    assert bench.to_manager(messages.Status, "two")[-1].held == [ref(100, "m2")]
    bench.handle(events.ManagerLost("one"))
    bench.wait(5.0)
    assert bench.to_manager(messages.Status, "two")[-1].held == [ref(0, "m1"), ref(100, "m2")]


def test_all_blocks_are_named_when_it_joins() -> None:
    bench = pair()
    assert bench.core.held("k") == [ref(0, "m1"), ref(100, "m2")]
    bench.restart()
    assert bench.core.held("k") == [ref(0, "m1"), ref(100, "m2")]


def test_only_its_manager_takes_a_block_back_while_that_is_here() -> None:
    bench = pair()
    bench.manager(messages.Revoke(blocks=[ref(0, "m1")]), "two")
    assert "t0" in bench.core._state.task_of_block
    bench.manager(messages.Revoke(blocks=[ref(0, "m1")]), "one")
    assert list(bench.core._state.task_of_block) == ["t100"]
    bench.handle(events.ManagerLost("two"))
    bench.manager(messages.Revoke(blocks=[ref(100, "m2")]), "one")
    assert not bench.core._state.task_of_block


def test_blocks_go_back_to_their_own_managers_and_wait_for_those_that_are_away() -> None:
    bench = pair()
    bench.handle(events.ManagerLost("two"))
    bench.handle(events.DrainAsked("stop"))
    assert bench.to_manager(messages.Return, "one") == [messages.Return(blocks=[ref(0, "m1")])]
    assert [each.block for each in bench.cache.held.blocks] == ["t100"]


def test_a_drain_returns_adopted_blocks_to_their_adopter() -> None:
    bench = pair()
    bench.join("a")
    assign = assigned(bench, "a")
    bench.handle(events.ManagerLost("two"))
    bench.handle(events.DrainAsked("stop"))
    bench.manager(messages.Adopted(blocks=[ref(100, "m2", lease=2)]), "one")
    bench.report("a", messages.Release(tokens=[assign.token], indexes=[[]]))
    assert bench.to_manager(messages.Return, "one") == [messages.Return(blocks=[ref(0, "m1"), ref(100, "m1", lease=2)])]


def test_a_manager_that_comes_back_during_a_drain_gets_its_blocks() -> None:
    bench = pair()
    bench.join("a")
    work(bench, "a")
    bench.handle(events.ManagerLost("two"))
    bench.handle(events.DrainAsked("stop"))
    bench.admit("two", manager="m2")
    assert bench.to_manager(messages.Return, "two") == [messages.Return(blocks=[ref(100, "m2")])]


def test_blocks_that_no_client_can_run_wait_for_their_manager_too() -> None:
    bench = pair(tidy_s=20.0)
    bench.handle(events.ManagerLost("two"))
    bench.wait(200.0)
    assert bench.to_manager(messages.Return, "one") == [messages.Return(blocks=[ref(0, "m1")])]
    bench.admit("two", manager="m2")
    bench.wait(40.0)
    assert bench.to_manager(messages.Return, "two") == [messages.Return(blocks=[ref(100, "m2")])]
    assert bench.to_manager(messages.Return, "one") == [messages.Return(blocks=[ref(0, "m1")])]


# Results


def test_results_go_to_the_manager_of_their_block_also_when_one_message_holds_those_of_two() -> None:
    bench = Bench()
    bench.admit("one", manager="m1")
    bench.admit("two", manager="m2")
    bench.grant(0, 2, link="one")
    bench.grant(2, 4, link="two")
    bench.join("a", cores=4)
    assign = assigned(bench, "a", 4)
    assert assign.indexes == [0, 1, 2, 3]
    bench.report("a", results_of(assign.token, [3, 1, 0]))
    assert (delivered(bench, "one"), delivered(bench, "two")) == ([0, 1], [3])
    assert [(head.manager, head.runs) for head in bench.cache.held.outbox] == [("m1", [(0, 2)]), ("m2", [(3, 4)])]
    check(bench)


def test_results_wait_for_their_manager_and_go_to_another_when_it_stays_away() -> None:
    bench = pair(patience_s=10.0)
    bench.join("a")
    bench.handle(events.ManagerLost("one"))
    first = work(bench, "a").indexes
    bench.wait(9.9)
    assert delivered(bench, "two") == []
    bench.wait(0.2)
    assert delivered(bench, "two") == first
    more = work(bench, "a").indexes
    assert delivered(bench, "two") == first + more, "from now on at once"
    bench.admit("one", manager="m1")
    latest = work(bench, "a").indexes
    assert delivered(bench, "one") == latest, "it is back; what is under way stays so"
    for link in ("one", "two"):
        for sent in bench.to_manager(messages.Deliver, link):
            bench.manager(messages.Committed(batch=sent.batch), link)
    assert bench.cache.outbox == []
    check(bench)


def test_what_was_under_way_to_a_lost_manager_is_repeated_to_another_one_under_the_same_name() -> None:
    bench = pair(patience_s=10.0)
    bench.join("a")
    work(bench, "a")
    (sent,) = bench.to_manager(messages.Deliver, "one")
    bench.handle(events.ManagerLost("one"))
    bench.wait(11.0)
    assert bench.to_manager(messages.Deliver, "two") == [sent]


def test_patience_begins_anew_with_each_start() -> None:
    bench = pair(patience_s=10.0)
    bench.join("a")
    indexes = work(bench, "a").indexes
    bench.restart()
    bench.admit("two", manager="m2")
    assert delivered(bench, "two") == []
    bench.wait(11.0)
    assert delivered(bench, "two") == indexes


def test_an_adopter_gets_the_results_at_once_and_the_block_for_good() -> None:
    bench = pair(patience_s=1000.0)
    bench.join("a")
    bench.handle(events.ManagerLost("one"))
    indexes = work(bench, "a").indexes
    bench.manager(messages.Adopted(blocks=[ref(0, "m1", lease=3), ref(777, "m1")]), "two")
    assert delivered(bench, "two") == indexes
    assert {(each.block, each.lease, each.manager) for each in bench.cache.held.blocks} == {
        ("t0", 3, "m2"),
        ("t100", 1, "m2"),
    }
    check(bench)


def test_an_adoption_of_an_older_lease_changes_nothing() -> None:
    bench = pair()
    bench.grant(0, 100, link="one", lease=5)
    bench.manager(messages.Adopted(blocks=[ref(0, "m1", lease=4)]), "two")
    assert bench.work().block("t0").record.manager == "m1"


def test_other_clusters_get_nothing() -> None:
    bench = pair(patience_s=1.0)
    bench.admit("far", cluster="other", manager="m9")
    bench.join("a")
    work(bench, "a")
    bench.handle(events.ManagerLost("one"))
    bench.handle(events.ManagerLost("two"))
    bench.wait(100.0)
    bench.manager(messages.Adopted(blocks=[ref(0, "m1")]), "far")
    bench.manager(messages.Revoke(blocks=[ref(0, "m1")]), "far")
    assert delivered(bench, "far") == []
    assert bench.to_manager(messages.Status, "far")[-1].held == []
    assert "t0" in bench.core._state.task_of_block
