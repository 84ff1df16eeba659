"""``disio dashboard start`` as a process."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from disio_dashboard.pages import STATIC_DIR
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DISIO_")}


@asynccontextmanager
async def started(tmp_path: Path, *flags: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "disio_dashboard", "start", "--data-dir", str(tmp_path), *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, **environment},
        cwd=tmp_path,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await asyncio.wait_for(stream.readline(), 20)).decode().rstrip("\n")


@pytest.fixture(scope="module", autouse=True)
def built_pages() -> None:
    assert (STATIC_DIR / "index.html").is_file(), "the web pages are not built: run `make web`"


async def test_start_prints_one_ready_line_and_a_link_that_signs_in(tmp_path: Path, manager: StandinManager) -> None:
    (tmp_path / "admin.token").write_text(TOKEN)
    async with started(tmp_path, "--port", "0", DISIO_MANAGER=manager.url) as process:
        ready, url = (await line_of(process.stdout)).rsplit(" ", 1)
        link = (await line_of(process.stderr)).rsplit(" ", 1)[1]
        assert ready == "ready dashboard" and link.startswith(f"{url}/login?once=")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(link) as response:
                assert response.status == 200
            async with session.get(f"{url}/api/me") as response:
                assert await response.json() == {"role": "admin"}
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert process.stdout is not None and await process.stdout.read() == b""


async def test_json_prints_one_object(tmp_path: Path) -> None:
    async with started(tmp_path, "--json", "--port", "0", "--manager", "http://127.0.0.1:9") as process:
        ready = json.loads(await line_of(process.stdout))
        assert ready == {"ready": "dashboard", "url": ready["url"], "login_url": f"{ready['url']}/login"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--manager", "nonsense"), "--manager: 'nonsense' is not a URL"),
        (("--token-file", "missing"), "--token-file: no file missing"),
        (("--port", "70000"), "--port: 70000 is not a port"),
        (("--host", "192.0.2.1"), "host: cannot bind 192.0.2.1"),
    ],
)
async def test_a_wrong_setting_is_one_line_and_exit_2(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    async with started(tmp_path, *flags) as process:
        out, err = await asyncio.wait_for(process.communicate(), 20)
        assert (process.returncode, out) == (2, b"")
        assert words in err.decode() and err.count(b"\n") == 1
