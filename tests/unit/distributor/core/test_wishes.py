"""Clients that came to help one task."""

from disio_distributor.core.events import ClientLeft
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, manifest
from tests.unit.distributor.core.scenes import assigned, serving


def asked_for(bench: Bench) -> list[list[str]]:
    return [ask.only for ask in bench.to_manager(messages.Ask) if ask.only]


def two_tasks() -> Bench:
    """A bench that holds of an urgent task and of another one."""
    bench = serving(stop=100)
    bench.grant(0, 100, manifest("wanted", priority=-5))
    return bench


def test_a_client_gets_of_its_task_first_and_of_others_when_that_is_used_up() -> None:
    bench = two_tasks()
    bench.join("plain")
    bench.join("keen", prefers="wanted")
    assert assigned(bench, "plain").task == "t"
    got = assigned(bench, "keen")
    assert got.task == "wanted"
    while got.task == "wanted":
        bench.results("keen", got.token, got.indexes)
        got = assigned(bench, "keen")
    assert got.task == "t"


def test_a_paused_task_is_nobodys_first() -> None:
    bench = two_tasks()
    bench.manager(messages.TaskState(task="wanted", state="paused"))
    bench.join("keen", prefers="wanted")
    assert assigned(bench, "keen").task == "t"


def test_what_a_client_cannot_run_it_does_not_get_for_a_wish() -> None:
    bench = serving(stop=100)
    bench.grant(0, 100, manifest("wanted", kinds=["web"]))
    bench.join("keen", prefers="wanted")
    assert assigned(bench, "keen").task == "t"


def test_a_task_that_nothing_is_held_of_is_asked_for_by_name_and_not_over_and_over() -> None:
    bench = serving(stop=1_000)
    bench.join("keen", prefers="elsewhere")
    assert asked_for(bench) == [["elsewhere"]]
    for _ in range(3):
        bench.wait(0.5)
        bench.ready("keen")
    assert asked_for(bench) == [["elsewhere"]]
    bench.wait(2.0)
    bench.ready("keen")
    assert asked_for(bench) == [["elsewhere"]] * 2
    bench.handle(ClientLeft("keen"))
    bench.wait(5.0)
    bench.join("plain")
    assert len(asked_for(bench)) == 2, "nobody wants it any more"


def test_many_wishes_are_asked_for_some_at_a_time() -> None:
    bench = serving(stop=1_000)
    for nth in range(40):
        bench.join(f"s{nth}", prefers=f"w{nth}")
    bench.wait(5.0)
    bench.join("last")
    before = len(asked_for(bench))
    bench.wait(5.0)
    bench.join("one more")
    assert 0 < len(asked_for(bench)) - before <= 16
