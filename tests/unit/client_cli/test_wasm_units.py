"""WebAssembly units in real engines: their answers are wasmtime's, and each ending is theirs alone."""

import itertools
import random
import struct
from functools import partial

import pytest

from disio_shared.messages import Terms
from tests.oracle import wasi
from tests.unit.client_cli import wat_units as units
from tests.unit.client_cli.slot_rig import SlotRig, shared

RAW = b"\x00"
TEXT = Terms(output="text")
JSON = Terms(output="json")


__all__ = ["shared"]


@pytest.fixture
async def rig(shared: SlotRig, monkeypatch: pytest.MonkeyPatch) -> SlotRig:
    await shared.renew()
    monkeypatch.setattr(shared, "run", partial(shared.run, language="wasm"))
    return shared


def raw(*payloads: bytes) -> list[bytes]:
    return [RAW + payload for payload in payloads]


BIG = bytes(random.Random(5).randrange(256) for _ in range(100_000))
INPUTS = [b"", b"a", b"hello, W\xc3\xb6rld", b"z" * 65_535, b"q" * 65_536, BIG]


# Answers


@pytest.mark.parametrize("name", ["ECHO", "UPPER", "UPPER_REACTOR"])
async def test_answers_are_those_of_wasmtime(rig: SlotRig, name: str) -> None:
    code = units.wasm(getattr(units, name))
    bare = wasi.Bare(code)
    await rig.run(code, raw(*INPUTS))
    assert not rig.failures
    assert rig.values == {index: RAW + bare.run(payload).stdout for index, payload in enumerate(INPUTS)}


async def test_pieces_of_memory_are_filled_and_written_in_their_order(rig: SlotRig) -> None:
    said = [b"", b"ab", b"abc", b"abcde", b"abcdefgh"]
    await rig.run(units.wasm(units.PIECES), raw(*said))
    answers = {}
    for index, payload in enumerate(said):
        came = struct.pack("<I", min(7, len(payload)))
        answers[index] = RAW + came + payload[3:7].ljust(4, b"\0") + payload[:3].ljust(3, b"\0") + struct.pack("<I", 11)
    assert (rig.values, rig.failures) == (answers, {})


async def test_a_json_payload_is_its_text_and_a_json_result_is_its_value(rig: SlotRig) -> None:
    code = units.wasm(units.SUM)
    await rig.run(code, [b'{"a":40,"b":[2,100]}', RAW + b"1 2 3"], terms=JSON)
    assert rig.values == {0: b"142", 1: b"6"}
    assert wasi.run(code, b'{"a":40,"b":[2,100]}').stdout == b"142"


async def test_what_output_is_depends_on_the_task(rig: SlotRig) -> None:
    code = units.wasm(units.ECHO)
    said = ['"ä€"'.encode(), b"[1, 2.50]", b"{not json", b"\xff\xfe", b"1e999"]
    await rig.run(code, raw(*said), terms=TEXT, task="text")
    assert rig.values == {0: r'"\"ä€\""'.encode(), 1: b'"[1, 2.50]"', 2: b'"{not json"', 4: b'"1e999"'}
    assert rig.failures[3][0] == "result"
    assert "not UTF-8" in rig.failures[3][1]
    rig.forget()
    await rig.run(code, raw(*said), terms=JSON, task="json")
    assert rig.values == {0: '"ä€"'.encode(), 1: b"[1,2.5]"}
    assert {kind for kind, _ in rig.failures.values()} == {"result"}
    assert "not JSON" in rig.failures[2][1]
    assert "not UTF-8" in rig.failures[3][1]
    assert "Infinity" in rig.failures[4][1]


async def test_an_instance_with_process_stdio_is_used_again(rig: SlotRig) -> None:
    code = units.wasm(units.DEEDS_REACTOR)
    payloads = [b"a", b"bc"[1:], b"", b"k"]
    bare = wasi.Bare(code)
    await rig.run(code, raw(*payloads))
    assert rig.values == {index: RAW + bare.run(payload).stdout for index, payload in enumerate(payloads)}
    assert [value[1:2] for value in rig.values.values()] == [b"1", b"2", b"3", b"4"]


async def test_a_start_that_returns_or_exits_sets_a_process_stdio_instance_up(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.STARTED_REACTOR), raw(b"", b""))
    assert rig.values == {0: RAW + b"7", 1: RAW + b"7"}


# Endings

FAILURES = {
    b"u": ("error", "unreachable"),
    b"m": ("error", "out of bounds"),
    b"d": ("error", "divide by zero"),
    b"s": ("error", "stack overflow"),
    b"x": ("error", "exit code 3\nno such luck"),
    b"e": ("error", "unreachable\nno such luck"),
    b"g": ("memory", "likely out of memory, with 7.5 of 8 MiB in use"),
    b"b": ("result", "more to standard output than its limit"),
}


@pytest.mark.parametrize("name", ["DEEDS", "DEEDS_REACTOR"])
async def test_each_failure_is_one_units_own(rig: SlotRig, name: str) -> None:
    code = units.wasm(getattr(units, name))
    deeds = list(itertools.chain.from_iterable((deed, b"ok") for deed in FAILURES))
    await rig.run(code, raw(*deeds), memory_mb=8)
    assert sorted(rig.values) == [index for index, deed in enumerate(deeds) if deed == b"ok"]
    # After a failure comes a new instance, which counts its calls from 1.
    answer = RAW + (b"ok" if name == "DEEDS" else b"1ok")
    assert set(rig.values.values()) == {answer}
    for index, (kind, text) in rig.failures.items():
        expected_kind, expected_text = FAILURES[deeds[index]]
        assert kind == expected_kind, text
        assert expected_text in text


@pytest.mark.parametrize("deed", [b"x", b"e", b"u"])
@pytest.mark.parametrize("name", ["DEEDS", "DEEDS_REACTOR"])
async def test_failures_are_those_of_wasmtime(rig: SlotRig, name: str, deed: bytes) -> None:
    code = units.wasm(getattr(units, name))
    ran = wasi.run(code, deed)
    await rig.run(code, raw(deed))
    first, _, stderr = rig.failures[0][1].partition("\n")
    assert first == ("trap: unreachable" if ran.exit == wasi.TRAPPED else f"exit code {ran.exit}")
    assert stderr == ran.stderr.decode().rstrip()


async def test_exit_code_0_is_no_failure(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.DEEDS), raw(b"0", b"1"))
    assert rig.values == {0: RAW, 1: RAW + b"1"}


async def test_an_endless_loop_is_ended_alone(rig: SlotRig) -> None:
    code = units.wasm(units.DEEDS_REACTOR)
    await rig.run(code, raw(b"a", b"l", b"c"), timeout_s=0.5)
    assert sorted(rig.values) == [0, 2]
    assert rig.failures[1][0] == "timeout"


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (b"n", "wrote 0 bytes to standard output; it has to write the length"),
        (b"s", "announced a result of 0 bytes and wrote 4"),
        (b"l", "announced a result of 7 bytes and wrote 4"),
    ],
)
async def test_process_stdio_that_writes_another_length_than_it_says(rig: SlotRig, deed: bytes, said: str) -> None:
    # o = 111: the letter from which the length in the unit's text is counted.
    await rig.run(units.wasm(units.LIAR_REACTOR), raw(deed + b"abc", b"oabc"))
    assert rig.values == {1: RAW + b"oabc"}
    kind, text = rig.failures[0]
    assert kind == "result"
    assert said in text


async def test_a_result_over_the_tasks_limit_is_refused(rig: SlotRig) -> None:
    terms = Terms(max_result_bytes=1000)
    for name in ("UPPER", "UPPER_REACTOR"):
        rig.forget()
        await rig.run(units.wasm(getattr(units, name)), raw(b"x" * 1000, b"x" * 1001), terms=terms)
        assert rig.values == {0: RAW + b"X" * 1000}
        assert rig.failures[1][0] == "result"
        assert "1000 bytes" in rig.failures[1][1] or "1004 bytes" in rig.failures[1][1]


# Memory


@pytest.mark.parametrize(
    ("limits", "memory_mb", "pages"),
    [
        ("2", 4, 64),
        ("2 100", 4, 64),
        ("2 20", 4, 20),
        ("64", 4, 64),
        ("64 64", 4, 64),
        ("2", 1, 16),
        ("3 65536", 64, 1024),
    ],
)
async def test_memory_ends_at_the_tasks_limit_or_the_units_own(
    rig: SlotRig, limits: str, memory_mb: int, pages: int
) -> None:
    await rig.run(units.wasm(units.PAGES, limits), raw(b""), memory_mb=memory_mb, terms=JSON)
    assert rig.values == {0: b"%d" % pages}


async def test_a_unit_that_starts_above_the_limit_does_not_load(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.ECHO, "65"), raw(b"", b""), memory_mb=4)
    kind, text = rig.failures[0]
    assert kind == "memory"
    assert "4.07 MiB at its start, and the task allows 4 MiB" in text
    assert sorted(rig.failures) == [0, 1]


@pytest.mark.parametrize(
    ("limits", "name"), [("1 2 shared", "shared between threads"), ("i64 1", "memory64"), ("i64 1 2", "memory64")]
)
async def test_memories_that_no_limit_can_be_set_for_are_refused_by_name(rig: SlotRig, limits: str, name: str) -> None:
    code = f'(module (memory (export "memory") {limits}) (func (export "_start")))'
    await rig.run(units.wat(code), raw(b""))
    kind, text = rig.failures[0]
    assert kind == "error"
    assert name in text


async def test_instances_that_are_done_with_do_not_pile_up(rig: SlotRig) -> None:
    # Each touches 48 MiB: ten of them at once would be over the slot's limit for a task of 64 MiB.
    body = """(func (export "_start") (memory.fill (i32.const 65536) (i32.const 1) (i32.const 50000000)))"""
    await rig.run(units.wasm(body, "800"), raw(*[b""] * 60), memory_mb=64)
    assert len(rig.values) == 60, rig.failures


# What does not load


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (b"not wasm at all", "CompileError"),
        (units.wasm(units.ECHO)[:-5], "CompileError"),
        (b"\x00asm\x0d\x00\x01\x00", "WebAssembly component"),
        (units.wat("(module)"), "neither _start"),
        (units.wat('(module (global (export "_start") i32 (i32.const 0)))'), "neither _start"),
        (
            units.wat('(module (import "env" "abort" (func)) (import "env" "m" (memory 1)) (func (export "_start")))'),
            "imports env.abort (function), env.m (memory); a unit may import",
        ),
        (
            units.wat('(module (import "wasi_snapshot_preview1" "x" (func)) (func (export "_start")))'),
            "imports wasi_snapshot_preview1.x (function)",
        ),
        (
            units.wat('(module (func (export "_initialize") unreachable) (func (export "ProcessStdio") (param i32)))'),
            "does not load: trap: unreachable",
        ),
    ],
)
async def test_code_that_does_not_load_says_why(rig: SlotRig, code: bytes, said: str) -> None:
    await rig.run(code, raw(b"", b""))
    assert sorted(rig.failures) == [0, 1]
    kind, text = rig.failures[0]
    assert kind == "error"
    assert said in text


# What a unit sees


@pytest.mark.parametrize("name", ["RANDOM", "RANDOM_REACTOR"])
async def test_random_bytes_are_equal_for_equal_task_and_index(rig: SlotRig, name: str) -> None:
    code = units.wasm(getattr(units, name))
    seen: list[dict[int, bytes]] = []
    for task, indexes in [("t", [0, 1, 2]), ("t", [0, 1, 2]), ("t", [2]), ("u", [0, 1, 2])]:
        rig.forget()
        await rig.run(code, raw(*[b""] * len(indexes)), task=task, indexes=indexes)
        seen.append(rig.values)
    one, again, alone, other = seen
    assert one == again
    assert alone == {2: one[2]}, "what is drawn depends on the payloads before"
    drawn = [*one.values(), *other.values()]
    assert len(set(drawn)) == 6
    assert {len(value) for value in drawn} == {41}


async def test_random_bytes_never_change_between_versions(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.RANDOM), raw(b""), task="k")
    assert rig.values[0][1:13].hex() == "7509c2e14bd96d90aed7b0ec"


async def test_the_fixed_clock_begins_at_0_and_sleeping_moves_it_on(rig: SlotRig) -> None:
    ms = 1_000_000
    await rig.run(units.wasm(units.CLOCK), raw(b"", b""))
    for value in rig.values.values():
        assert struct.unpack("<3Q", value[1:]) == (0, ms, 5_000 * ms + 2 * ms)


async def test_the_real_clock_is_real(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.CLOCK), raw(b""), terms=Terms(clock="real"))
    today, before, after = struct.unpack("<3Q", rig.values[0][1:])
    assert 1_577_836_800_000_000_000 < today < 7_258_118_400_000_000_000
    assert 5_000_000_000 <= after - before < 60_000_000_000


async def test_state_is_saved_and_given_back(rig: SlotRig) -> None:
    code = units.wasm(units.RESUME, imports=units.DISIO)
    await rig.run(code, raw(b"first", b"second", b"third"), states={1: RAW + b"old", 2: b'{"n":1}'})
    assert rig.values == {0: RAW + b"0", 1: RAW + b"old1", 2: RAW + b'{"n":1}2'}
    assert rig.states == {0: RAW + b"first", 1: RAW + b"second", 2: RAW + b"third"}
    assert set(rig.progress) == {0.25}


async def test_a_state_outside_of_the_units_memory_ends_it(rig: SlotRig) -> None:
    body = """(func (export "_start") (call $save_state (i32.const -8) (i32.const 100)))"""
    await rig.run(units.wasm(body, imports=units.DISIO), raw(b""))
    assert rig.failures[0] == (
        "error",
        "disio.save_state: 100 bytes at address 4294967288 lie outside of the unit's memory",
    )


async def test_impossible_calls_get_an_error_number_each(rig: SlotRig) -> None:
    await rig.run(units.wasm(units.HOSTILE, imports=units.HOSTILE_IMPORTS), raw(b"some input"))
    fault, badf, inval, notsup = 21, 8, 28, 58
    expected = [fault] * 5 + [badf] * 3 + [fault, fault, inval, inval, fault, fault, badf, badf, notsup]
    assert rig.values == {0: RAW + bytes(expected)}
