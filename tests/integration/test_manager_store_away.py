"""A database that goes away while the manager serves: it is waited for, and nothing is lost."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from disio_shared import messages
from tests.services.process import ServerProcess
from tests.unit.manager.served import Served, deliver_message, serve
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
DEADLINE_S = 40.0


async def readiness(served: Served, status: int) -> str:
    """Wait until ``/readyz`` answers with a status; return its text."""

    async def look() -> str | None:
        async with served.http.get(f"{served.url}/readyz") as answer:
            return await answer.text() if answer.status == status else None

    text = await wait_until(look, DEADLINE_S)
    assert text is not None
    return text


async def test_a_database_that_goes_away_is_waited_for(tmp_path: Path, mongodb_server: ServerProcess) -> None:
    database = urlsplit(mongodb_server.url)._replace(path="/away").geturl()
    async with serve(tmp_path / "data", db=database) as served:
        task = await served.create()
        peer = served.peer()
        await peer.join()
        await peer.leased(10)
        await peer.deliver(task["id"], [0, 1, 2])

        mongodb_server.kill()
        await peer.say(deliver_message(task["id"], [3, 4, 5], batch="b2"))
        assert "detail" in await readiness(served, 503)
        problem = await served.call("POST", f"/api/tasks/{task['id']}/pause", 503)
        assert problem["code"] == "store-unavailable"
        assert await served.call("GET", "/healthz") == {"status": "ok"}

        mongodb_server.start()
        await readiness(served, 200)
        assert (await peer.hear(messages.Error)).code == "unjoined"
        await peer.join()
        await peer.deliver(task["id"], [3, 4, 5], batch="b2")
        assert (await served.call("GET", f"/api/tasks/{task['id']}"))["done"] == 6
        rows = (await served.call("GET", f"/api/tasks/{task['id']}/results"))["items"]
        assert [row["result"] for row in rows] == [0, 1, 4, 9, 16, 25]
