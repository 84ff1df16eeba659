"""What a distributor tells of a payload."""

from disio_distributor.core import events
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, manifest
from tests.unit.distributor.core.scenes import assigned


def told(bench: Bench, index: int, task: str = "t") -> messages.Story:
    """Return the answer to a question."""
    bench.manager(messages.FetchStory(request=len(bench.said) + 1, task=task, index=index))
    story = bench.to_manager(messages.Story)[-1]
    assert story.request == len(bench.said)
    return story


def test_who_has_it_and_what_came_to_nothing_before_is_told() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 4, manifest(max_failures=5))
    bench.join("s1", "c-1", cores=1)
    assert told(bench, 0) == messages.Story(request=len(bench.said))
    assign = assigned(bench, "s1")
    index = assign.indexes[0]
    bench.wait(1.5)
    now = told(bench, index)
    assert (now.clients, now.outcomes, now.errors, now.ages_s) == (["c-1"], ["has it"], [""], [1.5])
    bench.report("s1", messages.Checkpoint(token=assign.token, index=index, state=b"[1]"))
    assert told(bench, index).saved_bytes == 3
    bench.failed("s1", assign.token, [index], "boom" * 3_000)
    bench.handle(events.ClientLeft("s1"))
    bench.join("s2", "c-2")
    second = assigned(bench, "s2", 4)
    assert index in second.indexes
    after = told(bench, index)
    assert (after.clients, after.outcomes, after.ages_s) == (["c-1", "c-2"], ["failed", "has it"], [-1.0, 0.0])
    assert after.errors == [("boom" * 3_000)[:4_000], ""] or after.errors[0].startswith("boom")
    assert len(after.errors[0]) <= 4_000


def test_of_what_is_not_held_nothing_is_told() -> None:
    bench = Bench()
    bench.admit()
    assert told(bench, 3, "none") == messages.Story(request=len(bench.said))
