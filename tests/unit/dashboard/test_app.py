"""Starting and stopping, the files it serves, and how it finds its manager."""

import json
import os
from pathlib import Path

import aiohttp
import msgspec
import pytest
from yarl import URL

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import DEFAULT_MANAGER, Settings
from disio_dashboard.upstream import FileAddress
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError


async def test_a_taken_port_is_answered_with_the_next_free_one(settings: Settings, static_dir: Path) -> None:
    first = DashboardApp(settings, static_dir)
    port = int((await first.start()).rpartition(":")[2])
    second = DashboardApp(msgspec.structs.replace(settings, port=port), static_dir)
    try:
        assert int((await second.start()).rpartition(":")[2]) > port
    finally:
        await second.stop()
        await first.stop()


async def test_an_address_of_another_machine_is_refused_in_one_line(settings: Settings, static_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"host: cannot bind 192\.0\.2\.1"):
        await DashboardApp(msgspec.structs.replace(settings, host="192.0.2.1"), static_dir).start()


async def test_missing_pages_are_refused_with_the_remedy(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make web"):
        await DashboardApp(settings, tmp_path / "none").start()


async def test_its_whereabouts_are_written_while_it_runs(settings: Settings, static_dir: Path) -> None:
    app = DashboardApp(settings, static_dir)
    url = await app.start()
    file = Path(settings.data_dir or "", "dashboard.json")
    assert json.loads(file.read_text()) == {"pid": os.getpid(), "url": url}
    await app.stop()
    assert not file.exists()
    await app.stop()


async def test_every_page_path_is_the_one_page(member: aiohttp.ClientSession, url: str) -> None:
    for path in ("/", "/tasks", "/tasks/new", "/tasks/abc", "/whatever"):
        async with member.get(url + path) as response:
            assert response.status == 200 and "the page" in await response.text()
            assert response.headers["Cache-Control"] == "no-cache"


async def test_assets_are_kept_for_ever_and_cannot_name_other_files(member: aiohttp.ClientSession, url: str) -> None:
    async with member.get(f"{url}/assets/app-1.js") as response:
        assert response.status == 200 and "immutable" in response.headers["Cache-Control"]
    for path in ("/assets/nothing.js", "/assets/%2e%2e", "/assets/..%2findex.html", "/assets/%2e"):
        async with member.get(URL(url + path, encoded=True)) as response:
            assert response.status in (403, 404) or "the page" in await response.text()


async def test_the_managers_file_is_read_anew_each_time(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    address = FileAddress(data_dir)
    assert await address.url() == DEFAULT_MANAGER
    data_dir.write_service("manager", {"url": "http://127.0.0.1:1234/"})
    assert await address.url() == "http://127.0.0.1:1234"
    (tmp_path / "manager.json").write_text("half a fi")
    assert await address.url() == "http://127.0.0.1:1234"
    data_dir.write_service("manager", {"url": "http://127.0.0.1:1235"})
    assert await address.url() == "http://127.0.0.1:1235"
    (tmp_path / "manager.json").unlink()
    assert await address.url() == "http://127.0.0.1:1235"
