"""The small tables of the core: leases, rates, retries."""

from hypothesis import given
from hypothesis import strategies as st

from disio_manager.core.leases import LeaseTable
from disio_manager.core.rates import Meter
from disio_manager.core.records import StretchRecord, TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.core.splitting import failed_in, retry_spans
from disio_manager.core.tasks import Block, TaskEntry
from disio_shared.payloads import ListSpec, PayloadSpec, RangeSpec
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import Policy


@given(st.lists(st.tuples(st.sampled_from("edt"), st.sampled_from("abc"), st.floats(0, 30)), max_size=30))
def test_the_first_lease_is_always_the_earliest(steps: list[tuple[str, str, float]]) -> None:
    table, model, now = LeaseTable(60.0), dict[str, float](), 0.0
    for act, name, passed in steps:
        now += passed
        if act == "e":
            table.extend("t", name, now)
            model[name] = now + 60.0
        elif act == "d":
            table.drop("t", name)
            model.pop(name, None)
        else:
            due = {name for _, name in table.take_due(now)}
            assert due == {name for name, end in model.items() if end <= now}
            model = {name: end for name, end in model.items() if end > now}
        assert table.first() == min(model.values(), default=None) and len(table) == len(model)


def test_a_steady_stream_is_measured_from_its_first_seconds_on() -> None:
    meter = Meter(0.0)
    for second in range(1, 5):
        meter.count(100, float(second))
    assert 80 < meter.rate(4.0) < 130
    for second in range(5, 200):
        meter.count(100, float(second))
    assert 95 < meter.rate(199.0) < 110
    assert meter.rate(10_000.0) < 1e-6


def entry_of(spec: PayloadSpec, total: int, live: list[tuple[int, int]], failed: list[int]) -> TaskEntry:
    record = TaskRecord(
        id="t", number=1, name="t", tags=[], workunit="", language="javascript", workunit_bytes=0, payloads=b"",
        policy=Policy(), total=total, state="running", created_at=0.0,
    )  # fmt: skip
    entry = TaskEntry(record, spec, "m", 0.0)
    entry.stretches.learn([StretchRecord(task="t", start=0, stop=total, owner="m", frontier=total)])
    for start, stop in live:
        entry.add(Block(f"b{start}", "t", start, stop, RangeSet([(stop - 1, stop)])))
    for index in failed:
        entry.failed.add(index, index + 1)
    return entry


@given(st.sets(st.integers(0, 99), max_size=40), st.lists(st.integers(0, 19), max_size=4, unique=True), st.booleans())
def test_a_retry_covers_every_failed_index_once_and_never_a_live_block(
    failed: set[int], live: list[int], listed: bool
) -> None:
    spec: PayloadSpec = ListSpec(tuple(b"x" * (i % 7) for i in range(100))) if listed else RangeSpec(0, 1, 100)
    blocks = [(at * 5, at * 5 + 5) for at in live]
    failed -= {stop - 1 for _, stop in blocks}
    entry = entry_of(spec, 100, blocks, sorted(failed))
    settings = CoreSettings(max_block=12, max_block_bytes=20)
    stretch = entry.stretches.own[0]
    inside, spans = retry_spans(entry, stretch, failed_in(entry, stretch), settings)
    covered = [index for start, stop in spans for index in range(start, stop)]
    assert len(covered) == len(set(covered)), "new blocks overlap"
    held = {index for start, stop in blocks for index in range(start, stop)}
    assert not held & set(covered), "a new block overlaps a live one"
    returned = {index for start, stop in inside for index in range(start, stop)}
    assert returned == failed & held and failed - held <= set(covered)
    for start, stop in spans:
        assert failed & set(range(start, stop)) and stop - start <= 12
        assert not listed or stop - start == 1 or sum(i % 7 for i in range(start, stop)) <= 20
