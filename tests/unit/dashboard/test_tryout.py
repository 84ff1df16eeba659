"""What the dashboard serves for trials of units: built files under their own headers, and kits of distributors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from disio_dashboard import tryout
from tests.unit.dashboard.standin_manager import StandinManager

KIT = b"the whole kit"
HEADERS = {"X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": "default-src 'none'"}
MANIFEST = {
    "version": 1,
    "routes": {"/compute": {"file": "compute.html", "content_type": "text/html", "headers": HEADERS}},
    "kits": {"python": {"name": "python-1", "files": [{"name": "python.wasm", "sha256": "00", "bytes": len(KIT)}]}},
}


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files as a build leaves them, before the dashboard is made."""
    folder = tmp_path / "tryout"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "compute.html").write_text("<title>compute</title>")
    monkeypatch.setattr(tryout.Tryout.__init__, "__defaults__", (folder,))
    return folder


@pytest.fixture
async def distributor() -> AsyncIterator[dict[str, Any]]:
    """A distributor that serves kits, with what it answers."""
    served: dict[str, Any] = {"body": KIT, "status": 200, "asked": []}

    async def answer(request: web.Request) -> web.Response:
        served["asked"].append(request.path)
        return web.Response(body=served["body"], status=served["status"])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


async def test_built_files_have_the_headers_of_the_build(visitor: aiohttp.ClientSession, url: str) -> None:
    async with visitor.get(f"{url}/tryout/compute") as answer:
        assert answer.status == 200 and "compute" in await answer.text()
        assert answer.headers.getall("X-Frame-Options") == ["SAMEORIGIN"]
        assert answer.headers.getall("Content-Security-Policy") == ["default-src 'none'"]
    for path in ("manifest.json", "compute.html", "..%2fsettings.py", "none"):
        async with visitor.get(f"{url}/tryout/{path}") as answer:
            assert answer.status == 404, path


async def test_without_a_build_that_is_said(visitor: aiohttp.ClientSession, url: str, built: Path) -> None:
    (built / "manifest.json").unlink()
    async with visitor.get(f"{url}/tryout/compute") as answer:
        assert answer.status == 503 and "make web" in (await answer.json())["detail"]


async def test_a_kit_comes_from_a_distributor_that_is_online(
    member: aiohttp.ClientSession, url: str, manager: StandinManager, distributor: dict[str, Any]
) -> None:
    gone = {"url": "http://127.0.0.1:9", "state": "online"}
    manager.distributors = [gone, {"url": distributor["url"], "state": "online"}]
    async with member.get(f"{url}/tryout/kits/python-1/python.wasm") as answer:
        assert (answer.status, await answer.read()) == (200, KIT)
        assert "immutable" in answer.headers["Cache-Control"]
    assert distributor["asked"] == ["/kits/python-1/python.wasm"]
    for path in ("python-1/other", "python-2/python.wasm", "python-1/..%2f..%2fhealthz"):
        async with member.get(f"{url}/tryout/kits/{path}") as answer:
            assert answer.status == 404, path
    assert len(distributor["asked"]) == 1, "only what the build listed is asked for"


@pytest.mark.parametrize("wrong", [{"body": KIT + b"!"}, {"body": KIT[:-1]}, {"status": 500}])
async def test_without_a_whole_file_that_is_said(
    member: aiohttp.ClientSession, url: str, manager: StandinManager, distributor: dict[str, Any], wrong: dict[str, Any]
) -> None:
    distributor.update(wrong)
    manager.distributors = [{"url": distributor["url"], "state": state} for state in ("online", "draining")]
    async with member.get(f"{url}/tryout/kits/python-1/python.wasm") as answer:
        assert answer.status == 503 and "disio distributor start" in (await answer.json())["detail"]
    assert len(distributor["asked"]) == 1


async def test_kits_are_for_who_is_signed_in(visitor: aiohttp.ClientSession, url: str) -> None:
    async with visitor.get(f"{url}/tryout/kits/python-1/python.wasm") as answer:
        assert answer.status == 401
