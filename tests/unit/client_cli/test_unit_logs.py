"""Logs of units: the end is kept, what went before is counted, and messages have room for so much."""

import pytest

from disio_client.outbox import Outbox
from disio_client.owed import Gathering
from disio_client.unit_logs import MAX_CHARS, MAX_MESSAGE_CHARS, NO_ROOM, UnitLogs
from disio_shared.messages import Failed, Results
from tests.unit.client_cli.slot_rig import SlotRig, rig, shared

__all__ = ["rig", "shared"]


def test_a_log_is_taken_once() -> None:
    logs = UnitLogs()
    for line in ("one", "two"):
        logs.add(3, line)
    logs.add(4, "other")
    assert logs.take([3, 5]) == {3: "one\ntwo"}
    assert logs.take([3]) == {} and logs.take([4]) == {4: "other"}


@pytest.mark.parametrize("lines", [1, 50])
def test_of_a_long_log_the_end_is_kept_and_the_rest_is_counted(lines: int) -> None:
    logs, size = UnitLogs(), 2 * MAX_CHARS // lines
    written = [chr(65 + at % 26) * size for at in range(lines)]
    for line in written:
        logs.add(1, line)
    note, _, text = logs.take([1])[1].partition("\n")
    whole = "\n".join(written)
    assert text == whole[-MAX_CHARS:]
    assert note == f"[{len(whole) - MAX_CHARS:,} characters before this are left out]"


def test_logs_go_out_with_the_answers_of_their_units() -> None:
    outbox = Outbox()
    outbox.add_done("t", [1, 2], [b"1", b"2"], [0.1, 0.1], 0.0, {2: "two", 9: "of nobody"})
    outbox.add_failed("t", [3], ["boom"], ["error"], 0.0, {3: "three"})
    outbox.add_done("t", [4], [b"4"], [0.1], 0.0)
    outbox.drop_units("t", {2})
    outbox.seal("t")
    done, failed = [message for _, message in outbox.take(0.0)]
    assert isinstance(done, Results) and (done.indexes, done.logged, done.logs) == ([1, 4], [], [])
    assert isinstance(failed, Failed) and (failed.logged, failed.logs) == ([3], ["three"])


def test_a_message_has_room_for_so_many_logs() -> None:
    gathering = Gathering(since=0.0)
    long = "x" * (MAX_MESSAGE_CHARS // 2)
    gathering.add_logs([1, 2, 3], {1: long, 2: long, 3: long})
    assert gathering.logs == {1: long, 2: long, 3: NO_ROOM}


async def test_what_a_unit_writes_comes_with_its_answer(rig: SlotRig) -> None:
    code = """export default (p, unit) => {
        unit.log("payload", p);
        if (p === 1) throw new Error("no");
        if (p === 2) return p;
        console.log("more");
        return p;
    }"""
    await rig.run(code, [b"0", b"1", b"2"])
    assert rig.logs == {0: "payload 0\nmore", 1: "payload 1", 2: "payload 2"}
