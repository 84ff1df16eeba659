"""Results of what a sibling handed out: taken once, for the cluster, and for nobody else."""

from disio_distributor.core.blocks import MAX_ANSWERED
from disio_distributor.core.foreign import MAX_SEEN
from disio_distributor.core.keyring import KEY_BYTES, Keyring
from disio_shared import messages
from disio_shared.ranges import Run
from tests.unit.distributor.core.bench import Bench, check, manifest, results_of
from tests.unit.distributor.core.scenes import assigned

KEY = b"c" * KEY_BYTES
CLUSTER = "cluster"


def bench_of_cluster(**settings: object) -> Bench:
    """A distributor that was told its cluster's key."""
    bench = Bench(**settings)
    bench.admit(token_key=KEY, cluster=CLUSTER)
    return bench


def token(runs: list[Run], client: str = "c", task: str = "t", key: bytes = KEY, nonce: str = "elsewhere1") -> str:
    """What a sibling gave a client."""
    return Keyring(b"s" * KEY_BYTES, {CLUSTER: key}).token(CLUSTER, task, client, nonce, runs)


def delivered(bench: Bench) -> list[tuple[str, list[int], list[str]]]:
    """What the manager was told."""
    return [
        (part.task, part.indexes, [part.clients[by] for by in part.by])
        for deliver in bench.to_manager(messages.Deliver)
        for part in deliver.results
    ]


def test_results_under_a_siblings_token_are_stored_and_go_to_the_manager() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    stored = bench.results("s", token([(3, 6)]), [3, 5])
    assert (stored.accepted, stored.dead) == (2, False)
    assert delivered(bench) == [("t", [3, 5], ["c", "c"])]
    check(bench)


def test_they_are_taken_once_though_they_are_brought_again() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    brought = token([(3, 6)])
    assert bench.results("s", brought, [3, 4]).accepted == 2
    again = bench.results("s", brought, [3, 4, 5, 5])
    assert (again.accepted, again.dead) == (1, False)
    assert [index for _, found, _ in delivered(bench) for index in found] == [3, 4, 5]
    assert [each.results.indexes for each in bench.cache.outbox if each.results] == [[3, 4], [5]]


def test_a_token_of_another_client_another_key_or_with_other_indexes_brings_nothing() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    for bad in (token([(0, 9)], client="other"), token([(0, 9)], key=b"x" * KEY_BYTES), "rubbish"):
        stored = bench.results("s", bad, [1, 2])
        assert (stored.accepted, stored.dead) == (0, True)
    assert bench.results("s", token([(0, 9)]), [9, 10]).accepted == 0
    assert bench.cache.outbox == []


def test_without_the_clusters_key_a_siblings_token_says_nothing() -> None:
    bench = Bench()
    bench.admit()
    bench.join("s", "c")
    assert bench.results("s", token([(0, 9)]), [1]).dead


def test_the_key_is_known_after_a_restart_while_every_manager_is_away() -> None:
    bench = bench_of_cluster()
    bench.restart()
    bench.join("s", "c")
    assert bench.results("s", token([(0, 9)]), [1]).accepted == 1
    bench.admit(token_key=KEY, cluster=CLUSTER)
    assert delivered(bench) == [("t", [1], ["c"])]


def test_what_is_open_here_is_closed_here_and_the_rest_goes_on() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 4)
    bench.join("s", "c")
    stored = bench.results("s", token([(2, 8)]), [2, 3, 4, 7])
    assert (stored.accepted, stored.dead) == (4, False)
    assert sorted(index for entry in bench.cache.outbox if entry.results for index in entry.results.indexes) == [
        2, 3, 4, 7,
    ]  # fmt: skip
    assert bench.work().open_count == 2
    check(bench)


def test_a_block_of_results_that_are_under_way_is_not_computed_again() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    bench.join("s", "c")
    bench.results("s", token([(4, 8)]), [4, 5])
    bench.grant(4, 8)
    assert sorted(bench.work().ready.indexes()) == [0, 1, 6, 7]
    check(bench)
    bench.manager(messages.Committed(batch=bench.to_manager(messages.Deliver)[0].batch))
    check(bench)
    assert sorted(bench.work().ready.indexes()) == [0, 1, 6, 7]


def test_failures_states_and_signs_of_life_under_a_siblings_token_change_nothing_and_do_not_end_it() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    held = token([(0, 9)])
    assert not bench.failed("s", held, [1]).dead
    assert not bench.report("s", messages.Checkpoint(token=held, index=1, state=b"{}")).dead
    assert bench.cache.outbox == [] and bench.cache.held.attempts == []


def test_values_that_no_manager_would_take_are_left_out() -> None:
    bench = bench_of_cluster(max_result_bytes=10)
    bench.join("s", "c")
    said = messages.Results(
        token=token([(0, 9)]), indexes=[0, 1, 2], values=[b"x" * 11, b"{", b"7"], seconds=[-1.0, 1.0, float("inf")]
    )
    assert bench.report("s", said).accepted == 1
    (entry,) = bench.cache.outbox
    assert entry.results is not None and (entry.results.indexes, entry.results.seconds) == ([2], [0.0])


def test_late_results_of_ones_own_hand_outs_are_judged_as_before() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 4)
    bench.join("s", "c")
    own = assigned(bench, "s")
    block = bench.cache.held.blocks[0]
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block=block.block, lease=block.lease)]))
    assert bench.results("s", own.token, own.indexes) == messages.Stored(accepted=0, dead=True)


def test_a_repeat_of_a_sibling_is_a_vote_and_no_result() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    assert bench.results("s", token([(0, 9)], nonce="~elsewhere1"), [1]).accepted == 0


def test_what_is_remembered_of_tokens_is_bounded() -> None:
    bench = bench_of_cluster()
    bench.join("s", "c")
    foreign = bench.core._reports._foreign
    for at in range(MAX_SEEN + 10):
        foreign._seen_of(f"token{at}")
    assert len(foreign._seen) == MAX_SEEN
    brought = token([(0, 9)])
    assert bench.report("s", results_of(brought, [1])).accepted == 1


def commit_all(bench: Bench) -> None:
    """Let the manager take in everything it was told."""
    for deliver in bench.to_manager(messages.Deliver):
        bench.manager(messages.Committed(batch=deliver.batch))


def test_a_second_answer_to_what_is_on_its_way_does_not_count() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    bench.join("s", "c")
    bench.join("s2", "c2")
    assert bench.results("s", token([(4, 8)]), [4, 5]).accepted == 2
    second = token([(4, 8)], client="c2", nonce="elsewhere2")
    stored = bench.results("s2", second, [4, 5, 6])
    assert (stored.accepted, stored.dead) == (1, False)
    assert bench.results("s2", second, [7]) == messages.Stored(accepted=1, dead=True)
    assert [index for _, found, _ in delivered(bench) for index in found] == [4, 5, 6, 7]


def test_what_was_handed_out_twice_around_a_restart_counts_once() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    bench.grant(2, 4)
    bench.join("s", "c")
    first = assigned(bench, "s")
    assert first.indexes, "nothing was handed out"
    bench.restart()
    bench.admit(token_key=KEY, cluster=CLUSTER)
    bench.join("s2", "c2")
    while (second := assigned(bench, "s2")).indexes != first.indexes:
        bench.results("s2", second.token, second.indexes)
    assert bench.results("s2", second.token, second.indexes).accepted == len(first.indexes)
    commit_all(bench)
    assert all(block.record.start > first.indexes[-1] for block in bench.work().blocks), "its block is not over"
    bench.join("s", "c")
    assert bench.results("s", first.token, first.indexes) == messages.Stored(accepted=0, dead=True)


def test_what_a_manager_leases_again_is_not_answered() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    bench.join("s", "c")
    bench.results("s", token([(4, 8)]), [4, 5, 6, 7])
    commit_all(bench)
    assert bench.results("s", token([(4, 8)], nonce="elsewhere2"), [4]).accepted == 0
    bench.grant(4, 8)
    assert sorted(bench.work().ready.indexes()) == [0, 1, 4, 5, 6, 7]
    bench.manager(messages.Revoke(blocks=[messages.BlockRef(block="t4", lease=1)]))
    assert bench.results("s", token([(4, 8)], nonce="elsewhere3"), [4]).accepted == 1
    check(bench)


def test_failures_that_a_manager_took_in_are_no_answers() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    bench.grant(2, 4, manifest(max_failures=1))
    bench.join("s", "c")
    while (batch := assigned(bench, "s")).indexes[0] < 2:
        bench.results("s", batch.token, batch.indexes)
    bench.failed("s", batch.token, batch.indexes)
    commit_all(bench)
    assert bench.results("s", token([(2, 4)]), batch.indexes).accepted == len(batch.indexes), "it may be tried again"


def test_what_is_remembered_of_answers_is_bounded() -> None:
    bench = bench_of_cluster()
    bench.grant(0, 2)
    work = bench.work()
    work.took_in([(at, at + 1) for at in range(10, 2 * MAX_ANSWERED + 30, 2)])
    assert work.answered.run_count == MAX_ANSWERED
    assert work.judged([(0, 30)]).runs() == [(0, 2)], "the first are forgotten"
    assert 2 * MAX_ANSWERED + 28 in work.judged([(2 * MAX_ANSWERED + 20, 2 * MAX_ANSWERED + 30)])
