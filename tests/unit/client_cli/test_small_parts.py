"""Code by hash, identities, the outbox's bounds, frames, the command's help."""

import asyncio
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_client import workunits
from disio_client.engines import deno, frames
from disio_client.engines.base import EngineUnavailable
from disio_client.engines.builtins import NAMES
from disio_client.engines.deno import HEAP_MB
from disio_client.events import CodeMissing, CodeReady, IdentityForgotten, IdentityGiven, Say
from disio_client.identity import Identities
from disio_client.machine import kept_memory_mb, unit_memory_mb
from disio_client.outbox import GATHER_BYTES, GATHER_UNITS, MAX_UNACKED, Outbox
from disio_client.reporter import Reporter
from disio_client.settings import read_settings
from disio_client.workunits import Workunits
from disio_shared.clock import FakeClock
from disio_shared.errors import ConfigError
from disio_shared.messages import Checkpoint, Results
from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import patient


async def test_code_is_fetched_once_and_kept_a_while_after_its_release() -> None:
    distributor = SmallDistributor(b"the code", [])
    await distributor.start()
    try:
        async with aiohttp.ClientSession() as http:
            units = Workunits(http)
            assert await units.fetch(distributor.url, distributor.workunit) == CodeReady(distributor.workunit)
            assert units.code(distributor.workunit) == b"the code"
            units.release(distributor.workunit)
            distributor.code_served = b"other code"
            assert await units.fetch(distributor.url, distributor.workunit) == CodeReady(distributor.workunit)
    finally:
        await distributor.stop()


@pytest.mark.parametrize(
    ("served", "name", "reason"),
    [
        (b"x" * 5000, None, "over 1000 bytes"),
        (b"evil", None, "hash"),
        (b"", "0" * 64, "404"),
        (b"", "../../etc/passwd", "no SHA-256|not a SHA-256"),
    ],
)
async def test_code_that_is_not_what_was_asked_for_is_refused_for_good(
    served: bytes, name: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workunits, "MAX_WORKUNIT_BYTES", 1000)
    distributor = SmallDistributor(b"the code", [])
    distributor.code_served = served
    await distributor.start()
    try:
        async with aiohttp.ClientSession() as http:
            end = await Workunits(http).fetch(distributor.url, name or distributor.workunit)
    finally:
        await distributor.stop()
    assert isinstance(end, CodeMissing)
    assert end.is_final
    assert any(text in end.reason for text in reason.split("|"))


async def test_a_distributor_that_is_away_is_no_final_answer() -> None:
    async with aiohttp.ClientSession() as http:
        end = await Workunits(http).fetch("http://127.0.0.1:1", hashlib.sha256(b"").hexdigest())
    assert isinstance(end, CodeMissing)
    assert not end.is_final


async def test_each_distributor_has_its_own_identity_that_only_the_owner_reads(tmp_path: Path) -> None:
    identities = Identities(tmp_path, "http://a")
    await identities.commit([IdentityGiven("c1", "s1")])
    identities.url = "http://b"
    assert identities.read().client_id == ""
    await identities.commit([IdentityGiven("c2", "s2")])
    identities.url = "http://a"
    assert (identities.read().client_id, identities.read().secret) == ("c1", "s1")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "client").iterdir()} == {0o600}
    await identities.commit([IdentityForgotten()])
    assert identities.read().client_id == ""


async def test_a_broken_identity_file_counts_as_none(tmp_path: Path) -> None:
    identities = Identities(tmp_path, "http://a")
    await identities.commit([IdentityGiven("c1", "s1")])
    (path,) = (tmp_path / "client").iterdir()
    path.write_bytes(b"{")
    assert identities.read().client_id == ""


@given(sizes=st.lists(st.integers(0, GATHER_BYTES), max_size=30))
def test_no_message_of_the_outbox_is_larger_than_the_link_allows(sizes: list[int]) -> None:
    outbox, sent = Outbox(), []
    zeros = bytes(GATHER_BYTES)
    outbox.add_done("t", list(range(len(sizes))), [zeros[:size] for size in sizes], [0.0] * len(sizes), 0.0)
    while batch := outbox.take(10.0):
        assert len(batch) <= MAX_UNACKED
        for number, _ in batch:
            message = outbox.acknowledged(number)
            assert isinstance(message, Results)
            assert len(message.indexes) <= GATHER_UNITS
            assert sum(map(len, message.values)) <= GATHER_BYTES
            sent += message.indexes
    assert sent == list(range(len(sizes)))


def test_a_state_is_sent_before_its_unit_is_given_back() -> None:
    outbox = Outbox()
    outbox.add_state("t", 3, b"7")
    outbox.add_release(["t"], [[3, 4]])
    first, second = (message for _, message in outbox.take(0.0))
    assert first == Checkpoint(token="t", index=3, state=b"7")
    assert type(second).__name__ == "Release"


@given(st.binary(max_size=200))
def test_a_frame_is_a_message_or_a_value_error(body: bytes) -> None:
    try:
        frames.decode(body)
    except ValueError:
        return


def test_columns_of_a_frame_must_match() -> None:
    body = frames._encoder.encode(frames.Done(token="t", indexes=[1, 2], values=[b"1"], seconds=[0.0]))
    with pytest.raises(ValueError, match="differ in length"):
        frames.decode(body)


def test_missing_web_bundles_are_told_with_their_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(deno, "HOST_SCRIPT", tmp_path / "engine-host.mjs")
    with pytest.raises(EngineUnavailable, match="web bundles are not built: run make web"):
        deno.check_installed()


async def test_an_engine_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "engine-host.mjs"
    script.write_text("throw new Error('no such luck')")
    monkeypatch.setattr(deno, "HOST_SCRIPT", script)
    with pytest.raises(EngineUnavailable, match="the engine does not start"):
        async with asyncio.timeout(patient(20)):
            await deno.DenoEngine.start()


def test_every_module_that_deno_brings_along_is_taken_from_units() -> None:
    program = "import {builtinModules} from 'node:module'; console.log(builtinModules.join(' '))"
    listed = subprocess.run(
        [deno._deno(), "eval", program], capture_output=True, text=True, timeout=patient(30), check=True
    )
    there = {name.removeprefix("node:") for name in listed.stdout.split()}
    assert "fs" in there
    assert there <= set(NAMES)


@pytest.mark.parametrize(("slots", "limit", "memory"), [(1, "max", HEAP_MB), (4, str(400 << 20), 100), (4, "9", 1)])
def test_units_share_the_memory_that_there_is(tmp_path: Path, slots: int, limit: str, memory: int) -> None:
    limit_file = tmp_path / "memory.max"
    limit_file.write_text(limit)
    assert unit_memory_mb(slots, limit_file) == memory
    assert kept_memory_mb(slots, limit_file) == memory // 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", ""),
        ("error: no such luck\n    at x (/here/deno:1)\n", "error: no such luck"),
        ("#\n# Fatal process out of memory: heap\n#\n===\n    /here/deno(+0x1)\n", "Fatal process out of memory: heap"),
    ],
)
def test_what_an_engine_said_last_is_told_without_places(words: str, line: str) -> None:
    assert deno._telling_line(words) == line


def test_a_topic_is_not_repeated_before_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    reporter = Reporter(False, print, clock)
    said: list[str] = []
    reporter._log = type("Log", (), {"info": staticmethod(lambda text, **_: said.append(text))})
    for _ in range(10):
        reporter.say(Say("idle", "no work"))
        clock.advance(5.0)
    assert said == ["no work"]
    clock.advance(60.0)
    reporter.say(Say("idle", "no work"))
    assert said == ["no work", "no work"]


def test_help_imports_no_server_and_no_engine() -> None:
    program = "import sys, disio_client.cli; sys.exit(any(m in sys.modules for m in ('aiohttp', 'socketio', 'psutil')))"
    assert subprocess.run([sys.executable, "-c", program], env=dict(os.environ), timeout=patient(30)).returncode == 0


def test_settings_come_from_flags_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISIO_DISTRIBUTOR", "http://environment:1")
    monkeypatch.setenv("DISIO_CLIENT_CORES", "3")
    assert read_settings({"distributor": None, "cores": None}).distributor == "http://environment:1"
    assert read_settings({"distributor": "http://flag:1", "cores": None}).distributor == "http://flag:1"
    assert read_settings({"cores": None}).cores == 3


def test_a_client_without_a_distributor_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISIO_DISTRIBUTOR", raising=False)
    with pytest.raises(ConfigError, match="--distributor: is missing"):
        read_settings({})
