"""When a task counts as stalled."""

from disio_manager.core.views import TaskView
from disio_manager.stalls import Stalls
from disio_shared.taskdoc import Policy
from tests.unit.manager.registry import loaded


def view(done: int = 0, state: str = "running") -> TaskView:
    record = loaded("t").record
    record.policy, record.done, record.state = Policy(stall_s=60.0), done, state
    return TaskView(record=record, leased=0, ready=0, blocks=0, distributors=0, rate=0.0, eta_s=None)


def test_a_task_stalls_once_until_something_comes_of_it() -> None:
    stalls = Stalls()
    assert stalls.look([view()], 0.0) == [] and stalls.look([view()], 59.9) == []
    assert stalls.since("t", 59.9) is None
    assert [each.record.id for each in stalls.look([view()], 60.0)] == ["t"]
    assert stalls.look([view()], 500.0) == [] and stalls.since("t", 500.0) == 500.0
    assert stalls.look([view(done=1)], 501.0) == [] and stalls.since("t", 501.0) is None
    assert stalls.look([view(done=1)], 560.9) == []
    assert len(stalls.look([view(done=1)], 561.0)) == 1


def test_a_pause_is_no_stall() -> None:
    stalls = Stalls()
    stalls.look([view()], 0.0)
    assert stalls.look([view(state="paused")], 100.0) == []
    assert stalls.look([view()], 150.0) == [], "it counts from the end of the pause"
    assert len(stalls.look([view()], 160.0)) == 1


def test_a_growing_task_that_nothing_is_given_does_not_stall() -> None:
    stalls = Stalls()
    idle = view(done=3)
    idle.record.growing, idle.record.total = True, 3
    stalls.look([idle], 0.0)
    assert stalls.look([idle], 1000.0) == []
    idle.record.total = 4
    assert stalls.look([idle], 1050.0) == [] and len(stalls.look([idle], 1060.0)) == 1


def test_what_is_over_is_forgotten() -> None:
    stalls = Stalls()
    stalls.look([view()], 0.0)
    stalls.look([], 10.0)
    assert stalls.look([view()], 61.0) == []
