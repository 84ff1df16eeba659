"""What a platform shows to everybody."""

from pathlib import Path

import aiohttp

from tests.unit.manager.served import Served, serve

OPEN = {"Authorization": ""}
"""Somebody without a token."""


async def read(manager: Served, status: int = 200) -> str:
    """Return the page as somebody without a token gets it."""
    async with aiohttp.ClientSession() as stranger, stranger.get(manager.url + "/status") as answer:
        assert answer.status == status
        if status == 200:
            assert "script-src" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        return await answer.text()


async def test_nothing_is_shown_unless_the_operator_wants_it(manager: Served) -> None:
    assert "--public-status" in await read(manager, 404)


async def test_public_tasks_alone_are_shown_and_nothing_runs(tmp_path: Path) -> None:
    async with serve(tmp_path, public_status=True) as manager:
        hostile = "<script>alert(1)</script>"
        shown = await manager.create(name=hostile, public=True, description="for & by everybody")
        ended = await manager.create(name="over", public=True)
        await manager.create(name="secret")
        await manager.call("POST", f"/api/tasks/{ended['id']}/cancel")
        peer = manager.peer()
        await peer.join(url="https://help.example.org/")
        await peer.leased(10)
        await peer.deliver(shown["id"], [0, 1])
        await manager.app.watching.recording.note()
        page = await read(manager)
        assert "<script" not in page and "&lt;script&gt;" in page and "for &amp; by everybody" in page
        assert f'href="/tasks/{shown["id"]}"' in page and "2 of 10 done" in page
        assert 'http-equiv="refresh"' not in page
        async with manager.http.get(f"{manager.url}/status?renew=true") as answer:
            assert 'http-equiv="refresh" content="10"' in await answer.text()
        assert "over" in page and "cancelled: 0 of 10 done" in page and "secret" not in page
        assert 'href="https://help.example.org/help"' in page
        assert f'href="https://help.example.org/help?task={shown["id"]}"' in page
        assert f"help?task={ended['id']}" not in page, "it is over"
        assert "<dt>results in 90 days</dt><dd>2</dd>" in page


async def test_without_public_tasks_it_says_so(tmp_path: Path) -> None:
    async with serve(tmp_path, public_status=True) as manager:
        page = await read(manager)
        assert "No public task is computed just now." in page and "No distributor takes volunteers" in page


async def test_the_numbers_name_public_tasks_alone(tmp_path: Path) -> None:
    async with serve(tmp_path, public_status=True) as manager:
        shown = await manager.create(name="shown", public=True)
        await manager.create(name="secret")
        told = await manager.call("GET", "/status.json", headers=OPEN)
        assert [task["id"] for task in told["tasks"]] == [shown["id"]]
        assert set(told["tasks"][0]) == {
            "id", "name", "state", "total", "done", "failed", "rate", "eta_s", "finished_at",
        }  # fmt: skip
        assert (told["more"], told["clients"]) == (0, 0)


async def test_there_are_no_numbers_where_there_is_no_page(manager: Served) -> None:
    await manager.call("GET", "/status.json", 404, headers=OPEN)
