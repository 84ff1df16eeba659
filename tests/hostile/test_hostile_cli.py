"""The hostile suite against the real CLI client: its machine's files, variables and processes are not touched."""

import asyncio
import hashlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.waiting import patient

from .canaries import Ears, Nest, descendants
from .cases import Case, of_client
from .stand import CLIENT_SECRET, HostileStand
from .suite import CASES

pytestmark = pytest.mark.integration
REPOSITORY = str(Path(__file__).parents[2])


class Prey:
    """A client process, its distributor, and what is around it."""

    def __init__(self, stand: HostileStand, nest: Nest, process: asyncio.subprocess.Process, temporary: Path) -> None:
        self.stand, self.nest, self.process, self.temporary = stand, nest, process, temporary

    async def play(self, case: Case) -> object:
        """Play one case."""
        nest = self.nest
        evil = self.stand.evil(file=nest.file.as_uri(), home=str(nest.home), variable="CANARY", pid=str(nest.pid))
        # Whoever shows places of this machine to a submitter has shown too much.
        said = await self.stand.play(case, evil, [nest.secret, CLIENT_SECRET, REPOSITORY, str(nest.home.parent)])
        assert self.process.returncode is None, "the client ended"
        assert not nest.changes()
        assert not list(self.temporary.iterdir()), "something lies in the directory for temporary files"
        return said


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prey]:
    """A client that works, for all cases."""
    folder = tmp_path_factory.mktemp("prey")
    (temporary := folder / "tmp").mkdir()
    nest = Nest(folder)
    ears = await Ears().open()
    stand = HostileStand(ears)
    await stand.start()
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "disio_client", "--distributor", stand.url, "--cores", "1", "--log-level", "error"],
        *["--data-dir", str(folder / "data")],
        env={**nest.environment, "TMPDIR": str(temporary)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    prey = Prey(stand, nest, process, temporary)
    yield prey
    engines = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(patient(30)):
        assert await process.wait() == 0
    await stand.stop()
    ears.close()
    assert not nest.changes()
    assert nest.close() == [], "the process beside the client got signals"
    assert not [engine for engine in engines if engine.is_running()]


@pytest.mark.parametrize("case", of_client(CASES, "cli"), ids=str)
async def test_it_does_not_get_out_of_the_cli_client(prey: Prey, case: Case) -> None:
    said = await prey.play(case)
    assert said is not None


async def test_the_payload_of_another_task_is_not_there(prey: Prey) -> None:
    looks = next(case for case in CASES if case.name == "other-units")
    secret = f"payload-{hashlib.sha256(b'other').hexdigest()}"
    before = await prey.stand.assign("globalThis.kept = []; export default (p) => { kept.push(p); return 1 }", [secret])
    await prey.stand.until(lambda: prey.stand.results(before), "an answer")
    said = await prey.play(looks)
    assert secret not in str(said)


async def test_the_canaries_hear_and_see(tmp_path: Path) -> None:
    ears = await Ears().open()
    reader, writer = await asyncio.open_connection("127.0.0.1", ears.tcp)
    writer.write(b"GET /got HTTP/1.1\r\n\r\n")
    assert b"200 OK" in await reader.readline()
    writer.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"ping", ("127.0.0.1", ears.udp))
    async with asyncio.timeout(patient(10)):
        while len(ears.heard) < 2:
            await asyncio.sleep(0)
    assert [sound.split()[0] for sound in ears.heard] == ["tcp", "udp"]
    ears.close()
    nest = Nest(tmp_path)
    assert not nest.changes()
    nest.file.read_text()
    assert nest.changes()
    nest._bird.send_signal(signal.SIGUSR1)
    assert nest.close() in ([signal.SIGUSR1], [])
