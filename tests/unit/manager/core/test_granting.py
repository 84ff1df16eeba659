"""Who gets which block, how large, and what those who get none are told."""

import dataclasses
from array import array

import pytest

from disio_manager.core import granting
from disio_shared import messages
from disio_shared.extents import FileExtents
from disio_shared.payloads import StoredSpec
from disio_shared.taskdoc import Requires
from tests.unit.manager.core.world import World


def spans(grant: messages.Grant) -> list[tuple[str, int, int]]:
    return [(block.task, block.start, block.stop) for block in grant.blocks]


def world_with(*distributors: str, **settings: float) -> World:
    world = World("m", None, **settings)
    for name in distributors:
        world.join(name)
    return world


def granted(world: World, session: str, payloads: int, **more: object) -> messages.Grant:
    world.grants()
    world.ask(session, payloads, **more)  # type: ignore[arg-type]
    [grant] = world.grants(session)
    return grant


def test_a_lone_distributor_gets_what_it_asked_for() -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 1000000000]}')
    grant = granted(world, "a", 1_500)
    assert spans(grant) == [("t", 0, 1_500)]
    assert (grant.request, grant.waiting, grant.blocks[0].lease) == (1, "", 1)
    assert [one.task for one in grant.tasks] == ["t"] and grant.tasks[0].payloads == b'{"range": [0, 1000000000]}'


def test_a_block_is_never_larger_than_the_limit_but_a_grant_may_hold_several() -> None:
    world = world_with("a", max_block=100)
    world.create("t", '{"range": [0, 1000]}')
    assert spans(granted(world, "a", 250)) == [("t", 0, 100), ("t", 100, 200), ("t", 200, 250)]


def test_the_last_payloads_are_shared_between_those_who_can_take_them() -> None:
    world = world_with("a", "b", "c")
    for name in "abc":
        world.ask(name, 1)
    world.create("t", '{"range": [0, 93]}')
    world.grants()
    assert spans(granted(world, "a", 1_000)) == [("t", 3, 33)]


def test_a_distributor_that_cannot_run_a_task_takes_no_share_of_it() -> None:
    world = world_with("a", "b")
    world.ask("b", 10, languages=["python"])
    world.create("t", '{"range": [0, 100]}')
    assert spans(granted(world, "a", 1_000)) == [("t", 0, 100)]


def test_written_out_payloads_come_with_the_block_and_stay_under_the_byte_limit() -> None:
    world = world_with("a", max_block_bytes=25)
    world.create("t", '{"list": ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee"]}')
    grant = granted(world, "a", 100)
    assert spans(grant) == [("t", 0, 2), ("t", 2, 4), ("t", 4, 5)]
    assert [block.payloads for block in grant.blocks][1] == [b'"cccccccc"', b'"dddddddd"']
    assert grant.tasks[0].payloads == b""


def test_a_payload_larger_than_the_limit_still_gets_a_block() -> None:
    world = world_with("a", max_block_bytes=5)
    world.create("t", '{"list": ["aaaaaaaa", "b"]}')
    assert spans(granted(world, "a", 100)) == [("t", 0, 1), ("t", 1, 2)]


def test_manifests_come_only_for_tasks_that_the_distributor_does_not_know() -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 100]}')
    assert granted(world, "a", 10, tasks=["t"]).tasks == []


def test_ready_blocks_go_first_and_the_lowest_of_them() -> None:
    world = world_with("a", "b", max_block=10)
    world.create("t", '{"range": [0, 1000]}')
    first = granted(world, "a", 30)
    refs = [messages.BlockRef(block=block.block, lease=block.lease) for block in first.blocks]
    world.give_back("a", [refs[2], refs[1]])
    again = granted(world, "b", 25)
    assert spans(again) == [("t", 10, 20), ("t", 20, 30), ("t", 30, 35)]
    assert [block.lease for block in again.blocks] == [2, 2, 1]


def test_a_ready_block_that_is_too_large_is_cut() -> None:
    world = world_with("a", "b")
    world.create("t", '{"range": [0, 100]}')
    [block] = granted(world, "a", 100).blocks
    world.deliver("a", "t", [0, 1, 5, 50])
    world.give_back("a", [messages.BlockRef(block=block.block, lease=1)])
    grant = granted(world, "b", 4)
    assert spans(grant) == [("t", 0, 7)] and grant.blocks[0].done == [(0, 2), (5, 6)]
    assert sorted((row.start, row.stop, row.holder) for row in world.rows.blocks.values()) == [
        (0, 7, "b"),
        (7, 100, ""),
    ]


def test_no_more_blocks_are_made_than_ids_came() -> None:
    world = world_with("a", max_block=10)
    world.create("t", '{"range": [0, 1000]}')
    assert len(granted(world, "a", 1_000, fresh=2).blocks) == 2


def test_higher_priority_goes_first_and_what_is_left_goes_to_the_others() -> None:
    world = world_with("a")
    world.create("low", '{"range": [0, 100]}')
    world.create("high", '{"range": [0, 10]}', priority=5)
    assert spans(granted(world, "a", 30)) == [("high", 0, 10), ("low", 0, 20)]


def test_equal_priorities_share_by_weight() -> None:
    world = world_with("a")
    world.create("one", '{"range": [0, 1000000]}')
    world.create("three", '{"range": [0, 1000000]}', weight=3.0)
    for request in range(400):
        world.ask("a", 10, request=request)
    leased = {view.record.id: view.leased for view in world.core.task_views(world.now)}
    assert leased["one"] + leased["three"] == 4_000
    assert leased["one"] == pytest.approx(1_000, abs=30)


def test_a_task_that_comes_late_is_not_paid_for_the_past() -> None:
    world = world_with("a")
    world.create("old", '{"range": [0, 1000000]}')
    for request in range(50):
        world.ask("a", 10, request=request)
    world.create("new", '{"range": [0, 1000000]}')
    world.grants()
    tasks = [spans(granted(world, "a", 10, request=request))[0][0] for request in range(60, 70)]
    assert tasks.count("old") == tasks.count("new") == 5


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        ({"languages": ["python"]}, "The open tasks need JavaScript, which no client here runs."),
        ({"kinds": ["web"]}, "The open tasks are for kinds of clients that are not connected here."),
        ({"memory_mb": 100}, "more memory than the clients here offer"),
    ],
)
def test_what_a_task_requires_is_respected_and_told(ask: dict[str, object], why: str) -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 100]}', requires=Requires(memory_mb=500, kinds=["cli"]))
    grant = granted(world, "a", 10, **ask)
    assert not grant.blocks and why in grant.waiting
    assert granted(world, "a", 10, memory_mb=500).blocks
    assert granted(world, "a", 10, memory_mb=0).blocks, "unknown memory is no reason"


def test_native_python_goes_only_to_clients_that_trust_this_cluster() -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 100]}', language="python", runtime="native")
    for languages in (["python"], ["python", "python-native:other"]):
        grant = granted(world, "a", 10, languages=languages)
        assert not grant.blocks and "native Python, trusted for cluster c" in grant.waiting
    grant = granted(world, "a", 10, languages=["python-native:c"])
    assert grant.blocks and grant.tasks[0].language == "python-native:c"


def test_the_terms_of_a_task_go_with_its_manifest_also_after_a_restart() -> None:
    terms = messages.Terms(output="json", clock="real", max_result_bytes=7, max_log_bytes=0)
    world = world_with("a")
    world.create("t", '{"range": [0, 100]}', language="wasm", terms=terms)
    assert granted(world, "a", 10, languages=["wasm"]).tasks[0].terms == terms
    world.restart()
    world.join("a")
    [manifest] = granted(world, "a", 10, languages=["wasm"]).tasks
    assert (manifest.terms, manifest.language) == (terms, "wasm")


def test_those_who_wait_are_told_why_and_get_work_by_itself_when_it_appears() -> None:
    world = world_with("a", "b")
    assert granted(world, "a", 10, request=7).waiting == "There are no open tasks."
    world.create("t", '{"range": [0, 15]}')
    [grant] = world.grants("a")
    assert (grant.request, spans(grant)) == (7, [("t", 0, 10)])
    world.create("u", '{"range": [0, 5]}')
    assert world.grants() == [], "one Ask earns one Grant"
    assert spans(granted(world, "b", 10)) == [("u", 0, 3), ("t", 10, 13)], "half of each is for the other"
    while granted(world, "b", 10).blocks:
        pass
    assert granted(world, "b", 10).waiting == "All payloads of the open tasks are handed out."
    world.tick(60.0)
    assert len(world.grants("b")) == 1, "expired leases are work"


def test_a_paused_task_is_granted_again_when_it_is_resumed() -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 100]}')
    world.command("t", "pause")
    assert granted(world, "a", 10).waiting == "Every open task is paused."
    world.command("t", "resume")
    assert spans(world.grants("a")[0]) == [("t", 0, 10)]


def test_no_more_distributors_hold_blocks_of_a_task_than_it_allows() -> None:
    world = world_with("a", "b")
    world.create("t", '{"range": [0, 100]}', max_distributors=1)
    assert granted(world, "a", 10).blocks
    assert "max_distributors" in granted(world, "b", 10).waiting
    assert granted(world, "a", 10).blocks
    world.deliver("a", "t", list(range(20)))
    assert spans(world.grants("b")[0]) == [("t", 20, 30)], "the place became free"


def test_a_draining_distributor_gets_nothing_more() -> None:
    world = world_with("a")
    world.ask("a", 10)
    world.drain("a")
    world.create("t", '{"range": [0, 100]}')
    assert world.grants("a") == [messages.Grant(request=1, waiting="There are no open tasks.")]
    assert granted(world, "a", 10).waiting == "This distributor is draining."
    assert world.core.fleet()[0].state == "draining"


def test_an_ask_for_nothing_replaces_the_one_that_waits() -> None:
    world = world_with("a")
    world.ask("a", 10)
    world.ask("a", 0, request=2)
    world.grants()
    world.create("t", '{"range": [0, 100]}')
    assert world.grants() == []


def offers(world: World, session: str) -> list[list[str]]:
    return [message.tasks for message in world.take(messages.Offer, session) if isinstance(message, messages.Offer)]


def test_who_has_used_up_a_task_is_offered_what_is_left_of_it() -> None:
    world = world_with("a", "b")
    for name in "ab":
        world.ask(name, 1)
    world.create("low", '{"range": [0, 1000]}', priority=-1)
    world.create("high", '{"range": [0, 8]}')
    assert spans(granted(world, "a", 10)) == [("high", 0, 4), ("low", 2, 8)]
    offers(world, "a")
    world.deliver("a", "high", [0, 1, 2])
    assert offers(world, "a") == []
    world.deliver("a", "high", [3])
    assert offers(world, "a") == [["high"]]
    assert spans(granted(world, "a", 10, only=["high"])) == [("high", 4, 6)]
    world.deliver("a", "low", list(range(8)))
    assert offers(world, "a") == [["low"]]


def test_who_says_only_what_it_can_run_is_offered_all_that_it_holds_nothing_of() -> None:
    world = world_with("a")
    world.create("low", '{"range": [0, 1000]}', priority=-1)
    low = granted(world, "a", 10).blocks
    world.create("high", '{"range": [0, 1000]}')
    world.create("other", '{"range": [0, 1000]}', requires=Requires(kinds=["web"]))
    world.take(messages.Offer)
    world.restart()
    world.join("a", held=[messages.BlockRef(block=one.block, lease=one.lease) for one in low])
    world.ask("a", 0, kinds=["cli"])
    assert offers(world, "a") == [["high"]]
    world.command("high", "pause")
    world.ask("a", 0, request=2)
    assert offers(world, "a") == [["other"]]


def test_one_that_used_up_a_task_before_it_said_what_it_can_run_is_offered_more_when_it_does() -> None:
    world = world_with("a")
    world.create("high", '{"range": [0, 8]}')
    world.create("low", '{"range": [0, 1000]}', priority=-1)
    held = [messages.BlockRef(block=one.block, lease=one.lease) for one in granted(world, "a", 4).blocks]
    world.restart()
    world.join("a", held=held)
    world.deliver("a", "high", [0, 1, 2, 3])
    assert offers(world, "a") == []
    world.ask("a", 0)
    assert offers(world, "a") == [["high", "low"]], "the most urgent one first"


def test_not_more_tasks_are_offered_at_a_time_than_a_distributor_looks_at() -> None:
    world = world_with("a")
    for number in range(granting.MAX_OFFERED + 5):
        world.create(f"t{number}", '{"range": [0, 10]}', priority=number)
    world.ask("a", 0)
    [tasks] = offers(world, "a")
    assert tasks == [f"t{number}" for number in range(granting.MAX_OFFERED + 4, 4, -1)]


def test_nothing_is_offered_that_is_handed_out_or_paused_or_not_for_that_distributor() -> None:
    world = world_with("a")
    world.create("t", '{"range": [0, 8]}')
    granted(world, "a", 4)
    offers(world, "a")
    world.command("t", "pause")
    world.deliver("a", "t", [0, 1, 2, 3])
    assert offers(world, "a") == []
    world.command("t", "resume")
    assert offers(world, "a") == [["t"]]
    granted(world, "a", 10)
    world.deliver("a", "t", [4, 5, 6, 7])
    assert offers(world, "a") == []


def test_what_a_lost_distributor_held_is_offered_to_those_who_hold_nothing_of_it() -> None:
    world = world_with("a", "b")
    world.create("low", '{"range": [0, 1000]}', priority=-1)
    granted(world, "b", 10)
    world.create("high", '{"range": [0, 8]}')
    assert spans(granted(world, "a", 8))[0] == ("high", 0, 4)
    offers(world, "b")
    world.tick(10_000.0)
    assert ["high"] in offers(world, "b")


def test_a_block_that_its_distributor_does_not_name_when_it_joins_is_handed_out_at_once() -> None:
    world = world_with("a", "b")
    world.create("t", '{"range": [0, 10]}')
    kept = granted(world, "a", 4).blocks
    lost = granted(world, "a", 10).blocks
    assert granted(world, "b", 10).blocks == []
    world.join("a", "a2", held=[messages.BlockRef(block=one.block, lease=one.lease) for one in kept])
    again = [(one.start, one.stop, one.lease) for grant in world.grants("b") for one in grant.blocks]
    assert again == [(one.start, one.stop, one.lease + 1) for one in lost]


def files(sizes: list[int]) -> StoredSpec:
    return StoredSpec("files", "ab" * 32, FileExtents(array("I", sizes)))


def test_files_come_in_blocks_and_grants_of_bounded_bytes_and_are_read_by_the_shell() -> None:
    world = world_with("a", max_block_bytes=100, max_grant_bytes=250)
    world.create("t", '{"blob": "x"}', files=files([29, 29, 29, 39, 39, 199, 9, 9, 9]))
    world.ask("a", 9)
    [send] = [one for one in world.sent if isinstance(one.message, messages.Grant)]
    [grant] = world.grants("a")
    assert spans(grant) == [("t", 0, 3), ("t", 3, 5)], "the next one is too large for what is left"
    assert not any(block.payloads for block in grant.blocks) and grant.tasks[0].payloads == b""
    assert [(read.at, read.spec.blob, read.runs) for read in send.reads] == [
        (0, "ab" * 32, [(0, 3)]),
        (1, "ab" * 32, [(3, 5)]),
    ]
    assert spans(granted(world, "a", 9)) == [("t", 5, 6), ("t", 6, 9)], "one that is too large goes alone"


def test_of_files_that_come_back_only_open_ones_count_and_are_read() -> None:
    world = world_with("a", max_block_bytes=100)
    world.create("t", '{"blob": "x"}', files=files([9] * 30))
    grant = granted(world, "a", 10)
    world.deliver("a", "t", [0, 1, 4])
    world.leave("a")
    world.tick(100)
    world.join("b")
    world.ask("b", 10)
    [send] = [one for one in world.sent if isinstance(one.message, messages.Grant)]
    assert spans(grant) == [("t", 0, 10)] and spans(world.grants("b")[0])[0] == ("t", 0, 10)
    assert send.reads[0].runs == [(2, 4), (5, 10)]


def test_a_block_too_large_for_its_bytes_is_cut_before_it_goes_out_again() -> None:
    world = world_with("a", max_block_bytes=1_000)
    world.create("t", '{"blob": "x"}', files=files([9] * 30))
    granted(world, "a", 30)
    world.leave("a")
    world.tick(100)
    world.settings = dataclasses.replace(world.settings, max_block_bytes=100)
    world.restart_with_specs({"t": files([9] * 30)})
    world.join("b")
    assert spans(granted(world, "b", 30)) == [("t", 0, 10), ("t", 10, 20), ("t", 20, 30)]


def test_a_written_out_list_goes_out_again_without_what_is_closed() -> None:
    world = world_with("a")
    world.create("t", '{"list": [10, 11, 12, 13]}')
    granted(world, "a", 4)
    world.deliver("a", "t", [0, 2])
    world.leave("a")
    world.tick(100)
    world.join("b")
    [block] = granted(world, "b", 4).blocks
    assert (block.payloads, block.done) == ([b"", b"11", b"", b"13"], [(0, 1), (2, 3)])
