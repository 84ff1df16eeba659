"""How much work is held, how often it is asked for, and what bounds it."""

from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, manifest
from tests.unit.distributor.core.scenes import assigned, serving

LISTED = manifest(payloads=b"")


def asks(bench: Bench) -> list[messages.Ask]:
    return bench.to_manager(messages.Ask)


def answer(bench: Bench, ask: messages.Ask, start: int) -> None:
    """Grant as much as was asked for."""
    block = messages.BlockGrant(block=f"t{start}", lease=1, task="t", start=start, stop=start + ask.payloads)
    bench.manager(messages.Grant(request=ask.request, blocks=[block]))


def work_on(bench: Bench, seconds: float, per_s: int) -> None:
    """Let a client compute so many results a second, while the manager grants whatever is asked for at once."""
    until = bench.now + seconds
    frontier = max((block.record.stop for block in bench.work().blocks), default=0)
    while bench.now < until:
        seen = len(asks(bench))
        assign = assigned(bench, "a", slots=per_s // 50)
        bench.wait(len(assign.indexes) / per_s)
        bench.results("a", assign.token, assign.indexes, seconds=0.02)
        for ask in asks(bench)[seen:]:
            answer(bench, ask, frontier)
            frontier += ask.payloads


def test_ten_minutes_of_work_are_asked_for() -> None:
    bench = serving(stop=100)
    bench.join("a")
    for _ in range(4):
        assign = assigned(bench, "a", slots=4)
        bench.wait(len(assign.indexes) / 8)
        bench.results("a", assign.token, assign.indexes, seconds=0.5)
    assert 3_500 < asks(bench)[-1].payloads < 7_000, "8 a second for 600 s"


def test_at_any_time_seven_and_a_half_minutes_of_work_are_held() -> None:
    bench = serving(stop=1_000)
    bench.join("a")
    work_on(bench, 60.0, per_s=100)
    for _ in range(50):
        work_on(bench, 5.0, per_s=100)
        assert bench.core.stats(bench.now).held_payloads >= 440 * 100
    check(bench)


def test_five_thousand_units_a_second_are_asked_for_every_ten_seconds_at_most() -> None:
    bench = serving(stop=20_000, max_outstanding=250_000)
    bench.join("a")
    work_on(bench, 20.0, per_s=5_000)
    before = len(asks(bench))
    work_on(bench, 40.0, per_s=5_000)
    assert 1 <= len(asks(bench)) - before <= 4
    assert 187_500 - 10_000 <= bench.core.stats(bench.now).held_payloads <= 250_000


def listed(bench: Bench, start: int, count: int, size: int) -> None:
    """Grant payloads that come with their block."""
    bench.grant(start, start + count, LISTED, payloads=[b"x" * size] * count)


def test_no_more_is_asked_for_while_the_payloads_held_take_too_much_memory() -> None:
    bench = Bench(max_held_bytes=10_000)
    bench.admit()
    bench.join("a", cores=8)
    listed(bench, 0, 9, 1_000)
    before = len(asks(bench))
    assert before > 1, "there is room for more"
    listed(bench, 9, 2, 1_000)
    bench.wait(100.0)
    assert len(asks(bench)) == before
    bench.manager(messages.Offer(tasks=["other"]))
    assert len(asks(bench)) == before
    check(bench)
    held = [messages.BlockRef(block="t0", lease=1, manager="m")]
    bench.manager(messages.Revoke(blocks=held))
    assert len(asks(bench)) == before + 1
    check(bench)


def test_what_was_offered_while_there_was_no_room_is_offered_again_when_there_is() -> None:
    bench = Bench(max_held_bytes=10_000)
    bench.admit()
    bench.join("a", cores=1)
    listed(bench, 0, 9, 1_000)
    listed(bench, 9, 2, 1_000)
    bench.manager(messages.Offer(tasks=["other"]))
    before = len(asks(bench))
    bench.wait(100.0)
    assert len(asks(bench)) == before
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block="t9", lease=1, manager="m")]))
    [again] = asks(bench)[before:]
    assert (again.payloads, again.only) == (0, []), "enough is held, and the manager is to say it again"
    bench.manager(messages.Offer(tasks=["other"]))
    assert asks(bench)[-1].only == ["other"]
    bench.wait(100.0)
    assert len([each for each in asks(bench)[before:] if not each.payloads]) == 1


def test_small_payloads_count_with_what_they_take_besides_their_content() -> None:
    bench = Bench(max_held_bytes=1_000)
    bench.admit()
    bench.join("a", cores=8)
    listed(bench, 0, 20, 1)
    before = len(asks(bench))
    bench.wait(100.0)
    assert len(asks(bench)) == before


def test_what_is_held_of_a_paused_task_does_not_keep_others_from_being_asked_for() -> None:
    bench = serving(stop=1_000)
    bench.join("a")
    before = len(asks(bench))
    bench.manager(messages.TaskState(task="t", state="paused"))
    assert len(asks(bench)) == before + 1
    bench.manager(messages.TaskState(task="t", state="running"))
    bench.wait(100.0)
    assert len(asks(bench)) == before + 1


def test_what_no_client_here_can_run_does_not_keep_other_work_from_being_asked_for() -> None:
    bench = serving(stop=1_000)
    bench.join("a", languages=["wasm"])
    assert asks(bench)[-1].payloads == 8


def test_never_more_is_held_than_the_limit_whatever_it_is_of() -> None:
    bench = serving(stop=1_000, max_outstanding=1_002)
    bench.join("a", languages=["wasm"])
    assert asks(bench)[-1].payloads == 2
