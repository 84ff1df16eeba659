"""What payloads went through goes to the manager with their results and failures."""

from typing import Any

import msgspec

from disio_distributor.core import commands, events
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, manifest, results_of
from tests.unit.distributor.core.scenes import assigned


def begun(stop: int = 3, **changed: Any) -> Bench:
    bench = Bench()
    bench.admit()
    bench.grant(0, stop, manifest(**changed))
    return bench


def sent(bench: Bench) -> list[messages.PastTries]:
    return [each for deliver in bench.to_manager(messages.Deliver) for each in deliver.tries]


def rows(past: messages.PastTries) -> list[tuple[int, str, str, str, str]]:
    """Return index, client, outcome, error and log of each row."""
    return list(zip(past.indexes, past.clients, past.outcomes, past.errors, past.logs, strict=True))


def logged(said: Any, **logs: str) -> Any:
    """Return a report with logs by index (``i3="..."``)."""
    return msgspec.structs.replace(said, logged=[int(name[1:]) for name in logs], logs=list(logs.values()))


def test_results_without_tries_or_logs_bring_nothing() -> None:
    bench = begun()
    bench.join("a", cores=3)
    bench.results("a", assigned(bench, "a", 3).token, [0, 1, 2])
    assert bench.cache.outbox and all(entry.tries is None for entry in bench.cache.outbox)
    assert sent(bench) == []


def test_a_result_comes_with_the_tries_before_it_and_its_log() -> None:
    bench = begun(max_failures=3)
    bench.join("a", cores=1)
    token = assigned(bench, "a", 1).token
    failed = messages.Failed(token=token, indexes=[0], errors=["boom"], kinds=["error"])
    bench.report("a", logged(failed, i0="so far", i7="of another"))
    bench.restart()
    bench.admit()
    bench.join("b", cores=3)
    assign = assigned(bench, "b", 3)
    bench.report("b", logged(results_of(assign.token, [0, 1]), i1="a line"))
    (past,) = sent(bench)
    assert rows(past) == [(0, "a", "failed", "boom", "so far"), (1, "b", "done", "", "a line")]
    assert past.distributors == ["", ""] and past.ended_at[0] <= past.ended_at[1]
    check(bench)


def test_a_quarantined_payload_comes_with_all_its_tries() -> None:
    bench = begun(stop=1, max_failures=2, max_lost=5)
    bench.join("a", cores=1)
    assigned(bench, "a", 1)
    bench.handle(events.ClientLeft("a"))
    bench.wait(15.0)
    for session in ("b", "c"):
        bench.join(session, cores=1)
        bench.failed(session, assigned(bench, session, 1).token, [0], f"{session} failed")
    (past,) = sent(bench)
    assert [(row[2], row[3]) for row in rows(past)] == [("lost", ""), ("failed", "b failed"), ("failed", "c failed")]
    assert bench.cache.held.attempts == []


def test_logs_of_other_units_than_named_are_refused() -> None:
    bench = begun()
    bench.join("a", cores=3)
    said = results_of(assigned(bench, "a", 3).token, [0])
    wrong = msgspec.structs.replace(said, logged=[0], logs=[])
    decision = bench.handle(events.ClientSaid("a", wrong, 1))
    (reply,) = [each.message for each in decision.commands if isinstance(each, commands.Reply)]
    assert isinstance(reply, messages.Error) and reply.code == "malformed"
    assert commands.CloseClient("a") in decision.commands
